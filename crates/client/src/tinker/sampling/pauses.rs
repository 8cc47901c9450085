//! The pauses of sampling, one for each server and credential of this process: where one client is
//! told to wait, the others of the account wait too.

use std::sync::{Arc, LazyLock};

use gimmal_transport::rate_limit::{PauseConfig, PauseWindow, PauseWindows};
use gimmal_transport::{Scope, TokioClock};

/// The window of this account.
pub(crate) fn shared(scope: &Scope) -> PauseWindow {
    static WINDOWS: LazyLock<PauseWindows> =
        LazyLock::new(|| PauseWindows::new(PauseConfig::default(), Arc::new(TokioClock)));
    WINDOWS.window(scope)
}

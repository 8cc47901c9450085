//! Pause windows by account and server. A window lives as long as somebody holds it; the registry
//! holds none.

use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::rate_limit::pause::Shared;
use crate::rate_limit::{PauseConfig, PauseWindow, SlowStart};
use crate::scope::Scope;
use crate::time::{Clock, TokioClock};
use crate::weak_map::WeakMap;

/// One [`PauseWindow`] for each [`Scope`].
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use gimmal_transport::rate_limit::{PauseConfig, PauseWindows};
/// use gimmal_transport::{Origin, Scope, TokioClock};
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let windows = PauseWindows::new(PauseConfig::default(), Arc::new(TokioClock));
/// let scope = Scope::new(Origin::parse("https://api.example.com")?, None);
/// let window = windows.window(&scope);
/// window.pause_for(Duration::from_secs(1));
/// assert!(windows.window(&scope).is_paused());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PauseWindows {
    config: PauseConfig,
    clock: Arc<dyn Clock>,
    windows: Arc<WeakMap<Scope, Shared>>,
}

impl PauseWindows {
    /// A registry of its own, with these settings for all its windows.
    pub fn new(config: PauseConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            clock,
            windows: Arc::default(),
        }
    }

    /// The registry behind [`PauseWindow::shared`].
    pub(super) fn of_process() -> &'static Self {
        static WINDOWS: LazyLock<PauseWindows> = LazyLock::new(|| {
            let config = PauseConfig::default().with_slow_start(SlowStart::default());
            PauseWindows::new(config, Arc::new(TokioClock))
        });
        &WINDOWS
    }

    /// The window of this scope; all who ask while somebody holds it get the same one.
    pub fn window(&self, scope: &Scope) -> PauseWindow {
        let make = || Shared::new(self.config, Arc::clone(&self.clock));
        PauseWindow {
            shared: self.windows.get_or_insert_with(scope.clone(), make),
        }
    }
}

impl fmt::Debug for PauseWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PauseWindows")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

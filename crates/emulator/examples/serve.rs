//! Serves the Gemini wire on loopback until its input ends, and prints the base
//! URL on its first line. The only argument is the address, by default any free port.

use std::{env, error::Error, io::Write};

use gimmal_emulator::Emulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let emulator = Emulator::builder().bind(address).start().await?;
    writeln!(std::io::stdout(), "{}", emulator.base_url())?;
    // The end of the input is how a parent process says that it is done.
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    emulator.shutdown().await;
    Ok(())
}

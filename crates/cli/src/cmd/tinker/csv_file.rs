//! Rows as CSV, in a file or on standard output.

use std::io::Write;
use std::path::Path;

use crate::exit::Failure;

/// Writes a head and rows; `-` is standard output.
pub(super) fn write(
    path: &Path,
    head: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(head)?;
    let mut count = 0;
    for row in rows {
        csv.write_record(row)?;
        count += 1;
    }
    let bytes = csv.into_inner().map_err(|error| error.into_error())?;
    if path == Path::new("-") {
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes)?;
        return Ok(out.flush()?);
    }
    let shown = path.display();
    std::fs::write(path, bytes)
        .map_err(|error| Failure::output(format!("cannot write {shown}: {error}")))?;
    writeln!(std::io::stderr(), "wrote {count} rows to {shown}")?;
    Ok(())
}

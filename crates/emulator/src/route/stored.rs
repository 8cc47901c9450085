//! The paths of Cloud Storage and BigQuery, as far as the emulator's storage is reached by them.

use super::Route;

/// The call, and the address of the object or table it is about; that of a bucket ends in a slash.
pub(super) fn route_of(method: &str, segments: &[&str], brings: bool) -> Option<(Route, String)> {
    match segments {
        ["storage", "v1", "b", bucket, "o", name @ ..] => {
            let route = match (method, name, brings) {
                ("POST", [], true) => Route::PutObject,
                ("GET", [], false) => Route::ListObjects,
                ("GET", [_, ..], false) => Route::GetObject,
                _ => return None,
            };
            Some((route, format!("gs://{bucket}/{}", name.join("/"))))
        }
        [
            "bigquery",
            "v2",
            "projects",
            project,
            "datasets",
            dataset,
            "tables",
            table,
            what,
        ] => {
            let route = match (method, *what) {
                ("POST", "insertAll") => Route::InsertRows,
                ("GET", "data") => Route::ListRows,
                _ => return None,
            };
            Some((route, format!("bq://{project}.{dataset}.{table}")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_tables_have_addresses() {
        let of = |method, path: &str, brings| {
            route_of(method, &path.split('/').collect::<Vec<_>>(), brings)
        };
        let put = of("POST", "storage/v1/b/x/o", true);
        assert_eq!(put, Some((Route::PutObject, "gs://x/".into())));
        let get = of("GET", "storage/v1/b/x/o/a/b.jsonl", false);
        assert_eq!(get, Some((Route::GetObject, "gs://x/a/b.jsonl".into())));
        let insert = of(
            "POST",
            "bigquery/v2/projects/p/datasets/d/tables/t/insertAll",
            false,
        );
        assert_eq!(insert, Some((Route::InsertRows, "bq://p.d.t".into())));
        assert_eq!(of("DELETE", "storage/v1/b/x/o/a", false), None);
    }
}

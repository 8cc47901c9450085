//! The tables of batch and tuning jobs against the routing recorded from the reference: every
//! field stands in both at the same place, and what one backend refuses is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{batch_tables as batch, tuning_tables as tuning};
use crate::gemini::mapping::{How, Table};
use crate::gemini::{Backend, REJECTED_FIELDS};

const RECORDED: &str = include_str!("../../../tests/fixtures/job_converters.json");

#[derive(Deserialize)]
struct Recorded {
    from: String,
    #[serde(default)]
    to: String,
    /// The place is within the enclosing object.
    #[serde(default)]
    outer: bool,
    /// For one method of tuning only.
    when: Option<String>,
    #[serde(default)]
    refused: bool,
}

/// A table of ours and how its places relate to those of the reference.
struct Case {
    /// Type and backend.
    owner: &'static str,
    table: &'static Table,
    /// Rules for this method; without one, rules for all.
    when: Option<&'static str>,
    /// Where the reference's own object stands in ours.
    within: &'static str,
    /// Fields that stand elsewhere in ours, or that the code routes.
    apart: &'static [&'static str],
}

fn case(owner: &'static str, table: &'static Table) -> Case {
    Case {
        owner,
        table,
        when: None,
        within: "",
        apart: &[],
    }
}

fn method(owner: &'static str, when: &'static str, table: &'static Table) -> Case {
    Case {
        when: Some(when),
        ..case(owner, table)
    }
}

fn cases() -> Vec<Case> {
    const CONFIG: &str = "CreateTuningJobConfig vertex";
    const DATASET: &str = "TuningDataset vertex";
    vec![
        case("CreateBatchJobConfig mldev", &batch::CONFIG),
        case("CreateBatchJobConfig vertex", &batch::CONFIG_VERTEX),
        Case {
            // A list, made element by element.
            apart: &["inlined_requests"],
            ..case("BatchJobSource mldev", &batch::SOURCE)
        },
        case("BatchJobSource vertex", &batch::SOURCE_VERTEX),
        case("BatchJobDestination vertex", &batch::DESTINATION_VERTEX),
        case(
            "VertexMultimodalDatasetDestination vertex",
            &batch::DATASET_VERTEX,
        ),
        Case {
            // The name in full; and the settings, whose own table names `generationConfig`.
            apart: &["model", "config"],
            ..case("InlinedRequest mldev", &batch::REQUEST)
        },
        Case {
            within: "generationConfig.",
            ..case("GenerateContentConfig mldev", &batch::GENERATION)
        },
        case(
            "CreateEmbeddingsBatchJobConfig mldev",
            &batch::EMBEDDINGS_CONFIG,
        ),
        Case {
            // The reference writes the file in snake_case; the contents are made one by one.
            apart: &["file_name", "inlined_requests"],
            ..case("EmbeddingsBatchJobSource mldev", &batch::EMBEDDINGS_SOURCE)
        },
        case("EmbedContentConfig mldev", &batch::EMBEDDING),
        case("CreateTuningJobConfig mldev", &tuning::CONFIG),
        Case {
            // The reference puts them into an object that it throws away.
            apart: &["examples"],
            ..case("TuningDataset mldev", &tuning::DATASET)
        },
        case(CONFIG, &tuning::CONFIG_VERTEX),
        method(CONFIG, "SUPERVISED_FINE_TUNING", &tuning::SUPERVISED),
        method(CONFIG, "PREFERENCE_TUNING", &tuning::PREFERENCE),
        method(CONFIG, "DISTILLATION", &tuning::DISTILLATION),
        method(CONFIG, "REINFORCEMENT_TUNING", &tuning::REINFORCEMENT),
        method(
            DATASET,
            "SUPERVISED_FINE_TUNING",
            &tuning::SUPERVISED_DATASET,
        ),
        method(DATASET, "PREFERENCE_TUNING", &tuning::PREFERENCE_DATASET),
        method(DATASET, "DISTILLATION", &tuning::DISTILLATION_DATASET),
        method(
            DATASET,
            "REINFORCEMENT_TUNING",
            &tuning::REINFORCEMENT_DATASET,
        ),
        case("TuningValidationDataset vertex", &tuning::VALIDATION),
        case("ValidateRewardParameters vertex", &tuning::VALIDATE_REWARD),
    ]
}

fn recorded() -> BTreeMap<String, Vec<Recorded>> {
    serde_json::from_str(RECORDED).unwrap()
}

#[test]
fn tables_route_as_the_reference_does() {
    let recorded = recorded();
    let mut seen = BTreeSet::new();
    for case in cases() {
        let Case { owner, table, .. } = case;
        seen.insert(owner.to_owned());
        assert_eq!(owner.split(' ').next(), Some(table.owner));
        let expected: BTreeSet<(&str, String)> = recorded[owner]
            .iter()
            .filter(|rule| !rule.refused && rule.when.as_deref() == case.when)
            .filter(|rule| !rule.to.starts_with("_url") && !case.apart.contains(&&*rule.from))
            .map(|rule| {
                // One request for each content, with the settings inside of it.
                let to = rule.to.replace("requests[].", "request.");
                let within = if rule.outer { "" } else { case.within };
                (&*rule.from, format!("{within}{to}"))
            })
            .collect();
        let ours: BTreeSet<(&str, String)> = table
            .rules
            .iter()
            .filter(|rule| !case.apart.contains(&rule.from))
            .map(|rule| (rule.from, rule.to.to_owned()))
            .collect();
        assert_eq!(ours, expected, "{owner} {:?}", case.when);
        for rule in table.rules {
            if let How::By(inner) | How::EachBy(inner) = rule.how {
                let has_case = |case: &Case| std::ptr::eq(case.table, inner);
                assert!(cases().iter().any(has_case), "{owner} {}", rule.from);
            }
        }
    }
    assert_eq!(seen, recorded.into_keys().collect());
}

#[test]
fn what_the_reference_refuses_is_refused() {
    for (owner, rules) in recorded() {
        let (owner, backend) = owner.split_once(' ').unwrap();
        let backend = match backend {
            "mldev" => Backend::GeminiApi,
            _ => Backend::Vertex,
        };
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        for rule in rules.iter().filter(|rule| rule.refused) {
            let is_it = REJECTED_FIELDS.iter().any(|rejected| {
                rejected.owner == owner
                    && rejected.backend == backend
                    && plain(rejected.field) == plain(&rule.from)
            });
            assert!(is_it, "{owner}.{} on {backend}", rule.from);
        }
    }
}

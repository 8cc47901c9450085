//! `gimmal tinker billing`: what was used and what it costs.

use std::path::Path;
use std::process::ExitCode;

use gimmal_client::types::tinker::{
    BillingUsageEvent, BillingUsageResponse, CurrentCheckpointStorageUsageItem,
    CurrentCheckpointStorageUsageResponse, GetBillingUsageRequest,
    GetCurrentCheckpointStorageUsageRequest,
};
use serde::Serialize;
use serde_json::Value;

use super::{Context, csv_file};
use crate::args::TinkerBilling;
use crate::output::{self, Table, grouped, size, usd};

/// The members of a usage event, with those of what was used after them.
const USAGE: [&str; 16] = [
    "bucket_start",
    "bucket_end",
    "base_model",
    "user_id",
    "user_name",
    "session_id",
    "project_id",
    "estimated_cost_usd",
    "effective_rate_usd_per_million_tokens",
    "effective_rate_usd_per_gigabyte_month",
    "type",
    "token_count",
    "cached",
    "count",
    "gigabyte_hours",
    "free",
];

const STORAGE: [&str; 9] = [
    "effective_rate_usd_per_gigabyte_month",
    "project_id",
    "org_user_urn",
    "user_email",
    "user_name",
    "checkpoint_count",
    "size_bytes",
    "size_gigabytes",
    "estimated_monthly_cost_usd",
];

/// Runs one of the commands on bills.
pub(super) async fn run(context: Context<'_>, args: TinkerBilling) -> anyhow::Result<ExitCode> {
    let connected = context.connect().await?;
    let admin = connected.service.create_admin_client();
    match args {
        TinkerBilling::Usage {
            starting_on,
            ending_before,
            csv,
            sessions_csv,
        } => {
            let mut request = GetBillingUsageRequest::new();
            request.starting_on = Some(starting_on);
            request.ending_before = Some(ending_before);
            let usage = admin.get_billing_usage(&request).await?;
            show_usage(context, &usage, csv.as_deref(), sessions_csv.as_deref())?;
        }
        TinkerBilling::CheckpointStorage { project_id, csv } => {
            let mut request = GetCurrentCheckpointStorageUsageRequest::new();
            request.project_id = project_id;
            let storage = admin.get_current_checkpoint_storage_usage(&request).await?;
            show_storage(context, &storage, csv.as_deref())?;
        }
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}

fn show_usage(
    context: Context<'_>,
    usage: &BillingUsageResponse,
    csv: Option<&Path>,
    sessions_csv: Option<&Path>,
) -> anyhow::Result<()> {
    if let Some(path) = sessions_csv {
        let rows = usage.sessions.iter().map(|(id, session)| {
            let notes = session.user_metadata.as_ref();
            let notes = notes.and_then(|notes| serde_json::to_string(notes).ok());
            vec![id.clone(), notes.unwrap_or_default()]
        });
        csv_file::write(path, &["session_id", "user_metadata"], rows)?;
    }
    if let Some(path) = csv {
        let rows = usage.data.iter().map(|event| {
            let (event, info) = (members(event), members(&event.event_info));
            let cell = |name: &&str| text(event.get(name).or(info.get(name)));
            USAGE.iter().map(cell).collect()
        });
        csv_file::write(path, &USAGE, rows)?;
    }
    match (csv, sessions_csv) {
        (None, None) if context.json => output::json(usage),
        (None, None) => usage_table(&usage.data),
        _ => Ok(()),
    }
}

fn usage_table(events: &[BillingUsageEvent]) -> anyhow::Result<()> {
    if events.is_empty() {
        return output::line("nothing was used in this time");
    }
    let mut table = Table::new([
        "hour", "type", "model", "session", "user", "project", "quantity", "rate", "cost",
    ]);
    for event in events {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let used = Used::of(event);
        table.row([
            event.bucket_start.to_string(),
            used.kind,
            of(&event.base_model),
            of(&event.session_id),
            of(event
                .user_name
                .as_ref()
                .map_or(&event.user_id, |_| &event.user_name)),
            of(&event.project_id),
            used.quantity,
            used.rate,
            used.cost,
        ]);
    }
    for column in 6..=8 {
        table.align_right(column);
    }
    table.print()
}

/// What an event tells a person.
struct Used {
    kind: String,
    quantity: String,
    rate: String,
    cost: String,
}

impl Used {
    fn of(event: &BillingUsageEvent) -> Self {
        let info = members(&event.event_info);
        let number = |name: &str| info.get(name).filter(|value| value.is_number());
        let is = |name: &str| info.get(name) == Some(&Value::Bool(true));
        let mut kind = text(info.get("type")).replace('_', " ");
        if is("cached") {
            kind.push_str(" (cached)");
        }
        if is("free") {
            kind.push_str(" (free)");
        }
        // What may cost something and whose price is not known is told apart from what does not.
        let known = |amount: Option<f64>| amount.map_or_else(|| "unknown".to_owned(), usd);
        let (quantity, rate) = if let Some(tokens) = number("token_count") {
            let rate = known(event.effective_rate_usd_per_million_tokens);
            (format!("{} tokens", grouped(tokens)), format!("{rate}/M"))
        } else if let Some(hours) = number("gigabyte_hours") {
            let rate = known(event.effective_rate_usd_per_gigabyte_month);
            (format!("{hours} GB h"), format!("{rate}/GB month"))
        } else {
            let count = text(number("count"));
            let cost = event.estimated_cost_usd.map(usd).unwrap_or_default();
            return Self {
                kind,
                quantity: count,
                rate: String::new(),
                cost,
            };
        };
        Self {
            kind,
            quantity,
            rate,
            cost: known(event.estimated_cost_usd),
        }
    }
}

fn show_storage(
    context: Context<'_>,
    storage: &CurrentCheckpointStorageUsageResponse,
    csv: Option<&Path>,
) -> anyhow::Result<()> {
    let rate = storage.effective_rate_usd_per_gigabyte_month;
    if let Some(path) = csv {
        let rate = rate.map(Value::from);
        let rows = storage.data.iter().map(|item| {
            let item = members(item);
            let cell = |name: &&str| match item.get(name) {
                Some(value) => text(Some(value)),
                None if *name == STORAGE[0] => text(rate.as_ref()),
                None => String::new(),
            };
            STORAGE.iter().map(cell).collect()
        });
        return csv_file::write(path, &STORAGE, rows);
    }
    if context.json {
        return output::json(storage);
    }
    storage_table(&storage.data)?;
    match rate {
        Some(rate) => output::line(&format!("a gigabyte costs {} a month", usd(rate))),
        None => Ok(()),
    }
}

fn storage_table(items: &[CurrentCheckpointStorageUsageItem]) -> anyhow::Result<()> {
    if items.is_empty() {
        return output::line("no checkpoints");
    }
    let mut table = Table::new(["project", "user", "checkpoints", "size", "cost a month"]);
    for item in items {
        let user = [&item.user_name, &item.user_email, &item.org_user_urn];
        let user = user.into_iter().flatten().next();
        let cost = item.estimated_monthly_cost_usd;
        table.row([
            item.project_id.clone().unwrap_or_default(),
            user.cloned().unwrap_or_default(),
            grouped(item.checkpoint_count),
            size(item.size_bytes),
            cost.map_or_else(|| "unknown".to_owned(), usd),
        ]);
    }
    for column in 2..=4 {
        table.align_right(column);
    }
    table.print()
}

/// The members of a message by their names.
fn members(message: &impl Serialize) -> Value {
    serde_json::to_value(message).unwrap_or_default()
}

/// A value as a cell has it.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_priced_yet_is_told_apart_from_what_has_no_price() {
        let event = |info: Value| -> BillingUsageEvent {
            let event = serde_json::json!({
                "bucket_start": "2026-07-13T00:00:00Z", "bucket_end": "2026-07-13T01:00:00Z",
                "event_info": info,
            });
            serde_json::from_value(event).unwrap()
        };
        let used = |info| Used::of(&event(info));
        let prefill = used(serde_json::json!({
            "type": "sampling_prefill", "cached": true, "token_count": 1_234_567,
        }));
        assert_eq!(prefill.kind, "sampling prefill (cached)");
        assert_eq!(prefill.quantity, "1,234,567 tokens");
        assert_eq!(
            (prefill.rate.as_str(), prefill.cost.as_str()),
            ("unknown/M", "unknown")
        );
        let saved = used(serde_json::json!({"type": "checkpoint", "count": 3}));
        assert_eq!((saved.quantity.as_str(), saved.cost.as_str()), ("3", ""));
        let kept =
            used(serde_json::json!({"type": "storage", "free": true, "gigabyte_hours": 1.5}));
        assert_eq!(
            (kept.kind.as_str(), kept.quantity.as_str()),
            ("storage (free)", "1.5 GB h")
        );
        let new = used(serde_json::json!({"type": "dreaming", "dreams": 1}));
        assert_eq!((new.kind.as_str(), new.quantity.as_str()), ("dreaming", ""));
    }
}

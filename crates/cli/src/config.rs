//! Settings of `gimmal batch` in a file: TOML, or JSON. A setting stands for the argument
//! of the same name and for nothing else, so there is nothing that only one of the two can say; what
//! stands on the command line goes before the file.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _, FromArgMatches as _, Id};
use serde_json::{Map, Value};

use crate::args::{Cli, Command};
use crate::exit::Failure;

const BATCH: &str = "batch";
/// The argument that has no name on the command line.
const INPUT: &str = "input";
/// Where a manifest keeps the settings of its run.
pub(crate) const SETTINGS: &str = "settings";
/// What a manifest begins with.
pub(crate) const VERSION: &str = "gimmal";
/// Settings that may hold a name, a password or a key.
const ADDRESSES: [&str; 4] = ["base-url", "otlp-endpoint", "queue", "response-cache"];
/// Settings of a run that a file cannot hold.
const NOT_IN_A_FILE: [&str; 3] = ["config", "help", "version"];

/// A command line that cannot be run.
pub(crate) enum Refused {
    /// Wrong by itself; also a wish for help.
    Arguments(clap::Error),
    /// The file of settings is.
    File(anyhow::Error),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::Arguments(error)
    }
}

/// Reads the command line, and the file of settings that it names.
pub(crate) fn command_line(arguments: Vec<OsString>) -> Result<Cli, Refused> {
    let Some((at, path)) = named_file(&arguments) else {
        return read(arguments);
    };
    let settings = load(Path::new(&path)).map_err(Refused::File)?;
    let from_file = as_arguments(&settings, &arguments[1..])
        .map_err(|error| Refused::File(error.context(Path::new(&path).display().to_string())))?;
    let mut all = arguments;
    all.splice(at..at, from_file);
    let input = settings.get(INPUT).and_then(Value::as_str);
    let with_input = input.map(|input| [all.clone(), vec![input.into()]].concat());
    match (read(all), with_input) {
        // What is read may stand on the command line, and goes before the file then.
        (Err(Refused::Arguments(error)), Some(with_input))
            if error.kind() == ErrorKind::MissingRequiredArgument =>
        {
            match read(with_input) {
                // They were there, so it is something else that is missing.
                Err(Refused::Arguments(other)) if other.kind() == ErrorKind::UnknownArgument => {
                    Err(error.into())
                }
                read => read,
            }
        }
        (read, _) => read,
    }
}

fn read(arguments: Vec<OsString>) -> Result<Cli, Refused> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let (Command::Batch(batch), Some(matches)) =
        (&mut cli.command, matches.subcommand_matches(BATCH))
    {
        batch.settings = given(matches);
    }
    Ok(cli)
}

/// The place behind `batch`, and the file that is named there.
fn named_file(arguments: &[OsString]) -> Option<(usize, OsString)> {
    let at = 1 + arguments.iter().position(|argument| argument == BATCH)?;
    let mut rest = arguments[at..].iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return Some((at, rest.next()?.clone()));
        }
        let text = argument.to_str().unwrap_or_default();
        if let Some(path) = text.strip_prefix("--config=") {
            return Some((at, path.into()));
        }
    }
    None
}

/// The settings in a file, or those of the run that a manifest tells of.
fn load(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read the settings {shown}: {error}")))?;
    let is_json = path
        .extension()
        .is_some_and(|extension| extension == "json")
        || text.trim_start().starts_with('{');
    let settings: Result<Value, String> = if is_json {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        toml::from_str(&text).map_err(|error| error.to_string())
    };
    match settings {
        Ok(Value::Object(mut settings)) => match settings.remove(SETTINGS) {
            Some(Value::Object(of_run)) if settings.contains_key(VERSION) => Ok(of_run),
            Some(other) => {
                settings.insert(SETTINGS.to_owned(), other);
                Ok(settings)
            }
            None => Ok(settings),
        },
        Ok(_) => Err(Failure::usage(format!(
            "{shown}: is not an object of settings"
        ))),
        Err(error) => Err(Failure::usage(format!("{shown}: {}", error.trim_end()))),
    }
}

/// All arguments of `gimmal batch`.
fn known() -> Vec<Arg> {
    let command = Cli::command();
    let batch = command.find_subcommand(BATCH);
    let own = batch.into_iter().flat_map(clap::Command::get_arguments);
    let all = own.chain(command.get_arguments().filter(|arg| arg.is_global_set()));
    all.filter(|arg| !NOT_IN_A_FILE.contains(&arg.get_id().as_str()))
        .cloned()
        .collect()
}

fn name_of(arg: &Arg) -> &str {
    arg.get_long().unwrap_or(arg.get_id().as_str())
}

/// The names of the arguments that cannot stand beside this one: those that it excludes, those that
/// exclude it, and the others of a group that takes one of them.
fn excluded(batch: &clap::Command, arg: &Arg) -> Vec<Id> {
    let excludes = |one: &Arg, other: &Arg| {
        let mut conflicts = batch.get_arg_conflicts_with(one).into_iter();
        conflicts.any(|excluded| excluded.get_id() == other.get_id())
    };
    let others = batch.get_arguments();
    let others = others.filter(|other| excludes(arg, other) || excludes(other, arg));
    let groups = batch.get_groups().filter(|group| {
        let takes_one = !(*group).clone().is_multiple();
        takes_one && group.get_args().any(|member| member == arg.get_id())
    });
    let groups = groups.flat_map(clap::ArgGroup::get_args);
    let all = others.map(Arg::get_id).chain(groups);
    all.cloned().collect()
}

/// The settings as arguments, but for those that the command line has or rules out.
fn as_arguments(
    settings: &Map<String, Value>,
    command_line: &[OsString],
) -> anyhow::Result<Vec<OsString>> {
    let known = known();
    let is_given = |arg: &&Arg| command_line.iter().any(|argument| names(argument, arg));
    let mut command = Cli::command();
    command.build();
    let batch = command.find_subcommand(BATCH);
    let given = known.iter().filter(is_given);
    let ruled_out: Vec<Id> = given
        .flat_map(|arg| batch.map(|batch| excluded(batch, arg)).unwrap_or_default())
        .collect();
    let mut arguments = Vec::new();
    for (setting, value) in settings {
        let name = setting.replace('_', "-");
        let Some(arg) = known.iter().find(|arg| name_of(arg) == name) else {
            return Err(unknown(setting, &name, &known));
        };
        if name == INPUT {
            if !value.is_string() {
                return Err(Failure::usage("`input` must be the name of a file"));
            }
            continue;
        }
        if is_given(&arg) || ruled_out.contains(arg.get_id()) {
            continue;
        }
        let wrong = |must: &str| Failure::usage(format!("`{setting}` must be {must}"));
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            match value {
                Value::Bool(true) => arguments.push(format!("--{name}").into()),
                Value::Bool(false) => {}
                _ => return Err(wrong("true or false")),
            }
            continue;
        }
        let text = match (value, arg.get_value_delimiter()) {
            (Value::Array(values), Some(delimiter)) => {
                let texts = values.iter().map(text).collect::<Option<Vec<_>>>();
                texts.map(|texts| texts.join(&delimiter.to_string()))
            }
            (value, _) => text(value),
        };
        let text = text.ok_or_else(|| wrong("text or a number"))?;
        arguments.push(format!("--{name}={text}").into());
    }
    Ok(arguments)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// True when an argument on the command line is this one.
fn names(argument: &OsStr, arg: &Arg) -> bool {
    let Some(given) = argument.to_str() else {
        return false;
    };
    if let Some(long) = given.strip_prefix("--") {
        return long.split('=').next() == Some(name_of(arg));
    }
    let short = given
        .strip_prefix('-')
        .and_then(|short| short.chars().next());
    short.is_some() && short == arg.get_short()
}

fn unknown(setting: &str, name: &str, known: &[Arg]) -> anyhow::Error {
    let near = known.iter().map(name_of);
    let near = near.min_by_key(|known| distance(name, known));
    let hint = near
        .filter(|near| distance(name, near) <= 1 + name.len() / 3)
        .map_or_else(
            || "`gimmal batch --help` names all of them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
    Failure::usage(format!("there is no setting `{setting}`; {hint}"))
}

/// How many letters must be put in, left out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (place, wanted) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *wanted);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

/// The settings that were given, under the names that a file has for them, without credentials.
fn given(matches: &ArgMatches) -> Map<String, Value> {
    let mut settings = Map::new();
    for arg in known() {
        let id = arg.get_id().as_str();
        if matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let value = if matches!(arg.get_action(), ArgAction::SetTrue) {
            Value::Bool(true)
        } else {
            let is_address = ADDRESSES.contains(&name_of(&arg));
            let raw = matches.get_raw(id).into_iter().flatten();
            let texts = raw.map(|raw| match raw.to_string_lossy() {
                address if is_address => without_credentials(&address).into(),
                text => text.into(),
            });
            let mut texts: Vec<Value> = texts.collect();
            match (arg.get_value_delimiter(), texts.len()) {
                (None, 1) => texts.remove(0),
                _ => Value::Array(texts),
            }
        };
        settings.insert(name_of(&arg).to_owned(), value);
    }
    settings
}

/// An address without what may be secret in it: the name, the password, and the query.
pub(crate) fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    let shown = rest[host..].split('?').next().unwrap_or_default();
    format!("{scheme}://{shown}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn line(arguments: &[&str]) -> Vec<OsString> {
        arguments.iter().map(OsString::from).collect()
    }

    fn settings(arguments: &[&str]) -> Map<String, Value> {
        match command_line(line(arguments)) {
            Ok(Cli {
                command: Command::Batch(batch),
                ..
            }) => batch.settings,
            Ok(_) => panic!("another command"),
            Err(Refused::Arguments(error)) => panic!("{error}"),
            Err(Refused::File(error)) => panic!("{error:#}"),
        }
    }

    fn refusal(file: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::write(&path, text).unwrap();
        match command_line(line(&[
            "gimmal",
            "batch",
            "--config",
            path.to_str().unwrap(),
        ])) {
            Err(Refused::File(error)) => format!("{error:#}"),
            Err(Refused::Arguments(error)) => error.to_string(),
            Ok(_) => panic!("{text} was taken"),
        }
    }

    /// A value that an argument takes.
    fn sample(arg: &Arg) -> Value {
        let possible = arg.get_possible_values();
        match (name_of(arg), possible.last()) {
            _ if matches!(arg.get_action(), ArgAction::SetTrue) => Value::Bool(true),
            (_, Some(value)) => value.get_name().into(),
            ("fail-fast", _) => serde_json::json!(["permission_denied", "quota_exhausted"]),
            (name, _) if name.ends_with("timeout") || name == "ttl" => "90s".into(),
            (name, _) if name.ends_with("usd") || name == "temperature" => serde_json::json!(0.5),
            (name, _) if arg_is_number(name) => 7.into(),
            _ => "text".into(),
        }
    }

    fn arg_is_number(name: &str) -> bool {
        let ends = [
            "rpm",
            "tpm",
            "tokens",
            "concurrency",
            "attempts",
            "thinking-budget",
            "sample",
        ];
        ends.iter().any(|end| name.ends_with(end))
    }

    /// Covers: AC-CF-3
    #[test]
    fn every_argument_has_a_setting_and_every_setting_an_argument() {
        let folder = tempfile::tempdir().unwrap();
        for arg in known() {
            let name = name_of(&arg);
            let value = sample(&arg);
            // What an argument needs or excludes besides is not what is shown here.
            let mut all = Map::from_iter([
                (INPUT.to_owned(), "prompts.jsonl".into()),
                ("output".to_owned(), "answers.jsonl".into()),
            ]);
            match name {
                "queue-name" => drop(all.insert("queue".to_owned(), "redis://localhost".into())),
                "fsync" => drop(all.insert("journal".to_owned(), "run.journal".into())),
                "budget-strict" => drop(all.insert("budget-tokens".to_owned(), 7.into())),
                "count-sample" => drop(all.insert("dry-run".to_owned(), true.into())),
                _ => {}
            }
            all.insert(name.to_owned(), value.clone());
            let (json, toml) = (
                folder.path().join("run.json"),
                folder.path().join("run.toml"),
            );
            std::fs::write(&json, Value::Object(all.clone()).to_string()).unwrap();
            let lines = all.iter().map(|(name, value)| {
                // TOML has the same text for these values, and snake case is as good.
                format!("{} = {value}\n", name.replace('-', "_"))
            });
            std::fs::write(&toml, lines.collect::<String>()).unwrap();
            let read =
                |path: &Path| settings(&["gimmal", "batch", "--config", path.to_str().unwrap()]);
            let from_json = read(&json);
            assert_eq!(from_json, read(&toml), "{name}");
            let names = |settings: &Map<String, Value>| -> BTreeSet<String> {
                settings.keys().cloned().collect()
            };
            assert_eq!(names(&from_json), names(&all), "{name}");
            let had = match &from_json[name] {
                Value::String(text) => text.parse().map_or(text.as_str().into(), |number: f64| {
                    serde_json::json!(number)
                }),
                other => other.clone(),
            };
            let wanted = value
                .as_f64()
                .map_or(value, |number| serde_json::json!(number));
            assert_eq!(had, wanted, "{name}");
        }
    }

    #[test]
    fn the_command_line_goes_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        let text =
            "input = \"a.jsonl\"\noutput = \"b.jsonl\"\nmodel = \"m\"\nrpm = 5\nresume = false\n";
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let given = settings(&[
            "gimmal", "batch", "c.jsonl", "--config", path, "-o", "d", "--rpm=9",
        ]);
        let wanted = [
            ("input", "c.jsonl"),
            ("model", "m"),
            ("output", "d"),
            ("rpm", "9"),
        ];
        let wanted = wanted.map(|(name, value)| (name.to_owned(), Value::from(value)));
        assert_eq!(given, Map::from_iter(wanted));
        let given = settings(&["gimmal", "batch", &format!("--config={path}")]);
        assert_eq!(given["input"], "a.jsonl");
    }

    #[test]
    fn what_the_command_line_rules_out_is_not_taken_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        for (file, argument, left) in [
            ("resume = true", "--overwrite", "overwrite"),
            ("overwrite = true", "--resume", "resume"),
            ("queue = \"redis://host\"", "--engine=online", "engine"),
            ("engine = \"online\"", "--queue=redis://host", "queue"),
            ("budget-usd = 5", "--budget-tokens=7", "budget-tokens"),
        ] {
            let path = folder.path().join("run.toml");
            std::fs::write(&path, file).unwrap();
            let path = path.to_str().unwrap();
            let arguments = ["gimmal", "batch", "a", "-o=b", "--config", path, argument];
            let given = settings(&arguments);
            let mut names: Vec<&str> = given.keys().map(String::as_str).collect();
            names.sort_unstable();
            let mut wanted = [left, INPUT, "output"];
            wanted.sort_unstable();
            assert_eq!(names, wanted, "{file} {argument}");
        }
    }

    #[test]
    fn what_is_missing_is_told_by_its_own_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, "input = \"a.jsonl\"\n").unwrap();
        let path = path.to_str().unwrap();
        let refused = command_line(line(&["gimmal", "batch", "c.jsonl", "--config", path]));
        let Err(Refused::Arguments(error)) = refused else {
            panic!("it was taken")
        };
        let said = error.to_string();
        assert!(
            said.contains("--output") && !said.contains("a.jsonl"),
            "{said}"
        );
    }

    #[test]
    fn what_stands_before_the_command_goes_before_the_file_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        let text =
            "output = \"b\"\nbase-url = \"http://file\"\napi-version = \"v1\"\njson = true\n";
        std::fs::write(&path, text).unwrap();
        let arguments = line(&[
            "gimmal",
            "--base-url",
            "http://line",
            "--json",
            "batch",
            "a.jsonl",
            "--config",
            path.to_str().unwrap(),
        ]);
        let Ok(cli) = command_line(arguments) else {
            panic!("it was refused")
        };
        assert_eq!(cli.connection.base_url.as_deref(), Some("http://line"));
        assert_eq!(cli.connection.api_version.as_deref(), Some("v1"));
        assert!(cli.connection.json);
    }

    /// Covers: AC-CF-2
    #[test]
    fn a_name_that_is_not_known_is_told_with_the_nearest() {
        let said = refusal("run.toml", "concurency = 7\n");
        assert!(
            said.ends_with("there is no setting `concurency`; did you mean `concurrency`?"),
            "{said}"
        );
        assert!(said.contains("run.toml"), "{said}");
        let said = refusal("run.json", "{\"max_attempt\": 7}");
        assert!(said.ends_with("did you mean `max-attempts`?"), "{said}");
        let said = refusal("run.toml", "colour = \"red\"\n");
        assert!(
            said.ends_with("`gimmal batch --help` names all of them"),
            "{said}"
        );
        // On the command line the same.
        let error = command_line(line(&[
            "gimmal",
            "batch",
            "a",
            "-o",
            "b",
            "--concurency",
            "7",
        ]));
        let Err(Refused::Arguments(error)) = error else {
            panic!("it was taken")
        };
        assert!(error.to_string().contains("'--concurrency'"), "{error}");
    }

    #[test]
    fn what_is_not_a_setting_is_refused() {
        for (file, text, said) in [
            ("run.toml", "rpm = true\n", "`rpm` must be text or a number"),
            ("run.toml", "resume = 1\n", "`resume` must be true or false"),
            (
                "run.toml",
                "input = 1\n",
                "`input` must be the name of a file",
            ),
            (
                "run.toml",
                "config = \"other.toml\"\n",
                "there is no setting `config`",
            ),
            ("run.toml", "rpm = \n", "run.toml: "),
            ("manifest", "{\"rpm\": 0}", "--rpm"),
            ("run.json", "[1]", "is not an object of settings"),
            ("run.json", "{\"rpm\": 0}", "--rpm"),
        ] {
            let refused = refusal(file, text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }

    #[test]
    fn no_password_is_kept() {
        for (text, kept) in [
            ("redis://me:secret@host:6379/0", "redis://host:6379/0"),
            ("redis://host/a@b", "redis://host/a@b"),
            ("https://gw/v1?key=secret", "https://gw/v1"),
            ("https://me:secret@gw?key=a/b@c", "https://gw"),
            ("memory", "memory"),
        ] {
            assert_eq!(without_credentials(text), kept);
        }
    }

    #[test]
    fn what_is_no_address_is_kept_as_it_is() {
        let system = "Like http://x.y is. Mail a@b.c?";
        let given = settings(&[
            "gimmal",
            "batch",
            "a.jsonl",
            "-o",
            "b.jsonl",
            "--system",
            system,
            "--base-url",
            "https://me:secret@gw/?key=secret",
            "--response-cache=redis://:secret@host",
            "--otlp-endpoint=http://me:secret@collector:4318",
            "--queue=rediss://:secret@host",
        ]);
        assert_eq!(given["system"], system);
        assert_eq!(given["base-url"], "https://gw/");
        let kept = Value::Object(given).to_string();
        assert!(!kept.contains("secret"), "{kept}");
    }
}

-- The tables of a store of results, version 1. Names, order and types of the columns and names of the
-- indexes are what a reader checks.

CREATE TABLE manifest (
    id                           INTEGER PRIMARY KEY CHECK (id = 1),
    logical_schema_version       INTEGER NOT NULL,
    sqlite_schema_version        INTEGER NOT NULL,
    created_at                   TEXT NOT NULL,
    package_version              TEXT NOT NULL,
    initial_identity_json        TEXT NOT NULL,
    initial_identity_fingerprint TEXT NOT NULL,
    user_metadata_json           TEXT NOT NULL
);

-- What made the results; each record refers to one.
CREATE TABLE identities (
    identity_fingerprint    TEXT PRIMARY KEY,
    canonical_identity_json TEXT NOT NULL,
    provider                TEXT,
    model                   TEXT,
    prompt_version          TEXT,
    parser_version          TEXT,
    application_version     TEXT,
    first_seen_at           TEXT NOT NULL
);

-- Every result, in the order in which they were written. The newest one of a key stands.
CREATE TABLE item_records (
    record_sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    logical_schema_version INTEGER NOT NULL,
    recorded_at            TEXT NOT NULL,
    item_id                TEXT NOT NULL,
    submission_index       INTEGER,
    prompt_fingerprint     TEXT NOT NULL,
    context_fingerprint    TEXT,
    input_fingerprint      TEXT NOT NULL,
    identity_fingerprint   TEXT NOT NULL REFERENCES identities (identity_fingerprint),
    strategy_class         TEXT NOT NULL,
    success                INTEGER NOT NULL CHECK (success IN (0, 1)),
    error_category         TEXT,
    replay_eligible        INTEGER NOT NULL CHECK (replay_eligible IN (0, 1)),
    calculated_cost        REAL,
    raw_prompt_json        TEXT,
    raw_context_json       TEXT,
    result_json            TEXT NOT NULL
);

CREATE INDEX idx_item_records_replay_all ON item_records (
    identity_fingerprint, item_id, prompt_fingerprint, context_fingerprint, input_fingerprint,
    record_sequence DESC
) WHERE replay_eligible = 1;

CREATE INDEX idx_item_records_replay_success ON item_records (
    identity_fingerprint, item_id, prompt_fingerprint, context_fingerprint, input_fingerprint,
    record_sequence DESC
) WHERE replay_eligible = 1 AND success = 1;

CREATE INDEX idx_item_records_success_sequence ON item_records (record_sequence) WHERE success = 1;

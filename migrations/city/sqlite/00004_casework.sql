-- +goose Up
-- Cases, the append-only journal of steps that every figure is read from, and
-- the usage that billing harvests. A step is never changed or removed.
CREATE TABLE case_numbers (
    day  TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
CREATE TABLE cases (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    number        TEXT NOT NULL UNIQUE,
    stage         TEXT NOT NULL CHECK (stage IN ('reported', 'confirming', 'transferring', 'filed', 'forwarded', 'arbitrating', 'dispatched', 'accepted', 'returning', 'extending', 'suspending',
        'suspended', 'feedback', 'handled', 'verified', 'vetoed', 'closed', 'merged', 'declined', 'voided', 'transferred')),
    version       BIGINT NOT NULL,
    channel       TEXT NOT NULL,
    condition     TEXT NOT NULL REFERENCES conditions (code),
    kind_version  TEXT NOT NULL,
    kind_sort     TEXT NOT NULL CHECK (kind_sort IN ('part', 'event')),
    kind_code     TEXT NOT NULL,
    part          TEXT NOT NULL DEFAULT '',
    description   TEXT NOT NULL,
    address       TEXT NOT NULL,
    lon           REAL NOT NULL,
    lat           REAL NOT NULL,
    grid          TEXT NOT NULL,
    grid_set      BIGINT NOT NULL DEFAULT 0,
    reporter      BLOB,
    department    TEXT REFERENCES departments (code),
    reworks       INTEGER NOT NULL DEFAULT 0,
    reported_by   BIGINT NOT NULL,
    handled_by    BIGINT NOT NULL DEFAULT 0,
    verified_by   BIGINT NOT NULL DEFAULT 0,
    reported_at   BIGINT NOT NULL,
    filed_at      BIGINT,
    dispatched_at BIGINT,
    due_at        BIGINT,
    close_due_at  BIGINT,
    handled_at    BIGINT,
    closed_at     BIGINT,
    stage_due     BIGINT,
    next_alarm    BIGINT,
    checker       BIGINT NOT NULL DEFAULT 0,
    parent        TEXT NOT NULL DEFAULT '',
    merged_into   TEXT NOT NULL DEFAULT '',
    state         TEXT NOT NULL DEFAULT '{}'
);
-- The work lists: what stands at a stage, oldest first; what a department has.
CREATE INDEX cases_stage ON cases (stage, id);
CREATE INDEX cases_department ON cases (department, stage, id);
-- What is still worked on, by urgency; what the next alarm is due for; and the
-- few cases that belong to another one.
CREATE INDEX cases_open ON cases (stage, stage_due) WHERE stage NOT IN ('closed', 'merged', 'declined', 'voided', 'transferred');
CREATE INDEX cases_alarm ON cases (next_alarm) WHERE next_alarm IS NOT NULL;
CREATE INDEX cases_parent ON cases (parent) WHERE parent <> '';
CREATE INDEX cases_into ON cases (merged_into) WHERE merged_into <> '';
CREATE INDEX cases_checker ON cases (checker) WHERE checker <> 0;
-- The departments that help with a case.
CREATE TABLE case_assistants (
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    department TEXT NOT NULL REFERENCES departments (code),
    PRIMARY KEY (department, case_id)
);
-- The words of description and address: pairs of neighbouring characters, which
-- find Chinese without a dictionary. Whoever reads must compare the text itself.
-- Cases are indexed many at a time: those up to this one are, the few after it
-- are looked through.
CREATE VIRTUAL TABLE case_terms USING fts5 (terms, content='', detail=none, columnsize=0);
CREATE TABLE case_terms_upto (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    case_id BIGINT NOT NULL
);
INSERT INTO case_terms_upto (id, case_id) VALUES (1, 0);
CREATE TABLE steps (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    xid         BIGINT NOT NULL DEFAULT 0,
    case_id     BIGINT NOT NULL REFERENCES cases (id),
    seq         BIGINT NOT NULL,
    action      TEXT NOT NULL,
    from_stage  TEXT NOT NULL,
    to_stage    TEXT NOT NULL,
    at          BIGINT NOT NULL,
    account_id  BIGINT NOT NULL,
    role        TEXT NOT NULL,
    department  TEXT NOT NULL DEFAULT '',
    note        TEXT NOT NULL DEFAULT '',
    detail      TEXT NOT NULL DEFAULT '{}',
    request_key TEXT,
    UNIQUE (case_id, seq)
);
-- What may not go beyond its share of a month, and what was filed in it.
CREATE INDEX cases_filed ON cases (filed_at) WHERE filed_at IS NOT NULL;
CREATE INDEX steps_tally ON steps (action, at) WHERE action IN ('approve_return', 'approve_extension', 'approve_suspension', 'void');
-- Most steps carry no key.
CREATE UNIQUE INDEX steps_key ON steps (request_key) WHERE request_key IS NOT NULL;
-- +goose StatementBegin
CREATE TRIGGER steps_keep BEFORE UPDATE ON steps BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER steps_stay BEFORE DELETE ON steps BEGIN SELECT RAISE(ABORT, 'steps are append-only'); END;
-- +goose StatementEnd
-- Sealing adds one to the only row of usage_seal and so waits for the sealer
-- before: batches are numbered from 1 without gaps and commit in that order.
CREATE TABLE usage_seal (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    last BIGINT NOT NULL
);
INSERT INTO usage_seal (id, last) VALUES (1, 0);
CREATE TABLE usage_batches (
    id        BIGINT PRIMARY KEY,
    sealed_at BIGINT NOT NULL
);
CREATE TABLE usage_entries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    metric   TEXT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    at       BIGINT NOT NULL,
    ref      TEXT NOT NULL,
    batch    BIGINT REFERENCES usage_batches (id),
    UNIQUE (metric, ref)
);
CREATE INDEX usage_open ON usage_entries (id) WHERE batch IS NULL;
CREATE INDEX usage_batch ON usage_entries (batch) WHERE batch IS NOT NULL;
-- An entry is sealed and otherwise stays as it is.
-- +goose StatementBegin
CREATE TRIGGER usage_keep BEFORE UPDATE ON usage_entries
WHEN OLD.batch IS NOT NULL OR NEW.quantity <> OLD.quantity OR NEW.at <> OLD.at OR NEW.metric <> OLD.metric OR NEW.ref <> OLD.ref
BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_stay BEFORE DELETE ON usage_entries BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
-- +goose StatementEnd

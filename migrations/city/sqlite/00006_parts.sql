-- +goose Up
-- The register of managed parts: the parts as they are, the acts (imports, edits,
-- undos) that made them so, and what each act found where it changed a part. What
-- an act made of a part is what the next one found, so the two hold the whole
-- history; a part that was added has nothing that was found.
CREATE TABLE part_register (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    act BIGINT NOT NULL
);
-- Every act adds one to the only row and so waits for the act before.
INSERT INTO part_register (id, act) VALUES (1, 0);
CREATE TABLE part_acts (
    id         BIGINT PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('import', 'edit', 'undo')),
    at         BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    reason     TEXT NOT NULL DEFAULT '' CHECK (kind = 'import' OR reason <> ''),
    file       TEXT NOT NULL DEFAULT '',
    sha256     TEXT NOT NULL DEFAULT '' CHECK (kind <> 'import' OR length(sha256) = 64),
    numbering  TEXT NOT NULL DEFAULT '',
    added      BIGINT NOT NULL DEFAULT 0,
    changed    BIGINT NOT NULL DEFAULT 0,
    unchanged  BIGINT NOT NULL DEFAULT 0,
    removed    BIGINT NOT NULL DEFAULT 0,
    undoes     BIGINT UNIQUE REFERENCES part_acts (id),
    CHECK ((kind = 'undo') = (undoes IS NOT NULL))
);
CREATE INDEX part_acts_imports ON part_acts (id) WHERE kind = 'import';
CREATE TABLE parts (
    id               TEXT PRIMARY KEY CHECK (length(id) BETWEEN 14 AND 24),
    numbering        TEXT NOT NULL,
    version          TEXT NOT NULL,
    kind             TEXT NOT NULL,
    name             TEXT NOT NULL,
    lon              REAL NOT NULL CHECK (lon BETWEEN -180 AND 180),
    lat              REAL NOT NULL CHECK (lat BETWEEN -90 AND 90),
    cell             BIGINT NOT NULL,
    grid             TEXT NOT NULL CHECK (length(grid) = 15),
    responsible_code TEXT NOT NULL,
    responsible_name TEXT NOT NULL CHECK (responsible_name <> ''),
    owner_code       TEXT NOT NULL,
    owner_name       TEXT NOT NULL,
    maintainer_code  TEXT NOT NULL,
    maintainer_name  TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('intact', 'damaged', 'lost', 'abandoned', 'removed')),
    initial          TEXT NOT NULL,
    changed          TEXT NOT NULL,
    source           TEXT NOT NULL,
    note             TEXT NOT NULL,
    revision         BIGINT NOT NULL REFERENCES part_acts (id)
);
-- By place: cell is a square of a thousandth of a degree (part.Cell).
CREATE INDEX parts_kind ON parts (kind, cell);
CREATE INDEX parts_cell ON parts (cell);
-- Most parts are intact; those that are not are looked for.
CREATE INDEX parts_state ON parts (state, id) WHERE state <> 'intact';
CREATE TABLE part_changes (
    part             TEXT NOT NULL,
    act              BIGINT NOT NULL REFERENCES part_acts (id),
    numbering        TEXT NOT NULL,
    version          TEXT NOT NULL,
    kind             TEXT NOT NULL,
    name             TEXT NOT NULL,
    lon              REAL NOT NULL CHECK (lon BETWEEN -180 AND 180),
    lat              REAL NOT NULL CHECK (lat BETWEEN -90 AND 90),
    cell             BIGINT NOT NULL,
    grid             TEXT NOT NULL CHECK (length(grid) = 15),
    responsible_code TEXT NOT NULL,
    responsible_name TEXT NOT NULL CHECK (responsible_name <> ''),
    owner_code       TEXT NOT NULL,
    owner_name       TEXT NOT NULL,
    maintainer_code  TEXT NOT NULL,
    maintainer_name  TEXT NOT NULL,
    state            TEXT NOT NULL CHECK (state IN ('intact', 'damaged', 'lost', 'abandoned', 'removed')),
    initial          TEXT NOT NULL,
    changed          TEXT NOT NULL,
    source           TEXT NOT NULL,
    note             TEXT NOT NULL,
    revision         BIGINT NOT NULL REFERENCES part_acts (id),
    PRIMARY KEY (part, act),
    CHECK (act > revision)
);
-- Which parts were changed after an act.
CREATE INDEX part_changes_revision ON part_changes (revision);
-- History is written once only; an act's counts are known when it ends.
-- +goose StatementBegin
CREATE TRIGGER part_changes_keep BEFORE UPDATE ON part_changes BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER part_changes_stay BEFORE DELETE ON part_changes BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER part_acts_keep BEFORE UPDATE OF id, kind, at, account_id, reason, file, sha256, numbering, undoes ON part_acts
BEGIN SELECT RAISE(ABORT, 'acts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER part_acts_stay BEFORE DELETE ON part_acts BEGIN SELECT RAISE(ABORT, 'acts are append-only'); END;
-- +goose StatementEnd

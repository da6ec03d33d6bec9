-- +goose Up
-- Evidence: what the files of cases hold, each content once; the files that were
-- attached to a case; and what each of them was like when it came in. None of it
-- is ever changed or removed.

-- Adding an item adds one to the only row of evidence_head and so waits for the
-- one before: of two like pictures that come at once the later sees the earlier.
CREATE TABLE evidence_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    last BIGINT NOT NULL
);
INSERT INTO evidence_head (id, last) VALUES (1, 0);
-- The bands are the three parts of the perceptual hash, of 21, 21 and 22 bits, to
-- look it up by.
CREATE TABLE evidence_contents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256     TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    media_type TEXT NOT NULL,
    size       BIGINT NOT NULL CHECK (size > 0),
    width      INTEGER NOT NULL DEFAULT 0,
    height     INTEGER NOT NULL DEFAULT 0,
    phash      BIGINT,
    band0      INTEGER,
    band1      INTEGER,
    band2      INTEGER,
    blob       TEXT NOT NULL UNIQUE,
    blob_key   BLOB NOT NULL,
    CHECK ((phash IS NULL AND band0 IS NULL AND band1 IS NULL AND band2 IS NULL)
        OR (phash IS NOT NULL AND band0 IS NOT NULL AND band1 IS NOT NULL AND band2 IS NOT NULL
            AND band0 = (phash & 2097151) AND band1 = ((phash >> 21) & 2097151) AND band2 = ((phash >> 42) & 4194303)))
);
CREATE INDEX evidence_band0 ON evidence_contents (band0, phash, id) WHERE band0 IS NOT NULL;
CREATE INDEX evidence_band1 ON evidence_contents (band1, phash, id) WHERE band1 IS NOT NULL;
CREATE INDEX evidence_band2 ON evidence_contents (band2, phash, id) WHERE band2 IS NOT NULL;
CREATE TABLE evidence (
    id          TEXT PRIMARY KEY,
    seq         BIGINT NOT NULL UNIQUE,
    case_number TEXT NOT NULL REFERENCES cases (number),
    moment      TEXT NOT NULL CHECK (moment IN ('before', 'during', 'after')),
    content_id  BIGINT NOT NULL REFERENCES evidence_contents (id),
    taken_at    BIGINT,
    received_at BIGINT NOT NULL,
    lon         REAL CHECK (lon BETWEEN -180 AND 180),
    lat         REAL CHECK (lat BETWEEN -90 AND 90),
    device      TEXT NOT NULL DEFAULT '',
    account_id  BIGINT NOT NULL,
    role        TEXT NOT NULL,
    department  TEXT NOT NULL DEFAULT '',
    flags       TEXT NOT NULL DEFAULT '',
    UNIQUE (case_number, moment, content_id),
    CHECK ((lon IS NULL) = (lat IS NULL))
);
CREATE INDEX evidence_content ON evidence (content_id, seq);
-- No foreign keys: what they point to can't be removed, and PostgreSQL would
-- check them only for somebody who may change it.
CREATE TABLE evidence_refs (
    evidence_id TEXT NOT NULL,
    other_id    TEXT NOT NULL,
    distance    INTEGER NOT NULL CHECK (distance BETWEEN 0 AND 64),
    same_bytes  BOOLEAN NOT NULL,
    PRIMARY KEY (evidence_id, other_id),
    CHECK (evidence_id <> other_id)
);
-- +goose StatementBegin
CREATE TRIGGER evidence_contents_keep BEFORE UPDATE ON evidence_contents BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_contents_stay BEFORE DELETE ON evidence_contents BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_keep BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_stay BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_refs_keep BEFORE UPDATE ON evidence_refs BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER evidence_refs_stay BEFORE DELETE ON evidence_refs BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
-- +goose StatementEnd

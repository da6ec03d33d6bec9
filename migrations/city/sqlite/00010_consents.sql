-- +goose Up
-- What a city lets others take from it and what it was last built from: consents
-- by which another city may copy its settings, each once and for a time, and the
-- spec as it was applied, to tell apart what was changed by hand since.
CREATE TABLE consents (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    recipient  TEXT NOT NULL CHECK (length(recipient) = 6),
    issued_by  BIGINT NOT NULL,
    issued_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    used_at    BIGINT,
    CHECK (ends_at > issued_at)
);
-- One row: the newest.
CREATE TABLE applied_specs (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    hash       TEXT NOT NULL,
    text       TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);
-- Few large pages of the index of words cost a search less than many small ones.
INSERT INTO case_terms (case_terms, rank) VALUES ('pgsz', 400);

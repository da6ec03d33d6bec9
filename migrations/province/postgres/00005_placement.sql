-- +goose Up
-- Where a city lives and who may use it. A city is on the platform's own server
-- unless it names another; its generation rises whenever it must be opened anew.
CREATE TABLE servers (
    name     TEXT PRIMARY KEY,
    kind     TEXT NOT NULL CHECK (kind IN ('postgres', 'citus')),
    host     TEXT NOT NULL,
    added_at BIGINT NOT NULL
);
ALTER TABLE cities ADD COLUMN server TEXT NOT NULL DEFAULT '';
ALTER TABLE cities ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cities ADD COLUMN access TEXT NOT NULL DEFAULT 'open' CHECK (access IN ('open', 'read_only', 'closed'));
ALTER TABLE cities ADD COLUMN access_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE cities ADD COLUMN left_at BIGINT;

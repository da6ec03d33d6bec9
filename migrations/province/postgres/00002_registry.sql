-- +goose Up
-- The registry of cities and the recorded steps that build each of them.
CREATE TABLE cities (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    model      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('building', 'active', 'suspended')),
    engine     TEXT NOT NULL CHECK (engine IN ('sqlite', 'postgres')),
    spec_hash  TEXT NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    active_at  BIGINT
);
CREATE TABLE provisioning_steps (
    city        TEXT NOT NULL REFERENCES cities (code),
    position    INTEGER NOT NULL,
    step        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    spec_hash   TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    detail      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (city, step)
);
-- A lease says who is at work: one apply of one city, one run of one job.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    since      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE TABLE job_runs (
    job         TEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    holder      TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    attempts    INTEGER NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT,
    outcome     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job, due_at)
);
CREATE INDEX job_runs_open ON job_runs (job, due_at) WHERE finished_at IS NULL;

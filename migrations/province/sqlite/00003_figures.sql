-- +goose Up
-- What cities publish to the province: counts per day, never rows.
CREATE TABLE published_days (
    city        TEXT NOT NULL REFERENCES cities (code),
    day         TEXT NOT NULL,
    counts      TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (city, day)
);
-- Frozen editions of the ranking: inputs, result and the hash over both.
CREATE TABLE ranking_editions (
    month      TEXT NOT NULL,
    edition    INTEGER NOT NULL,
    protocol   TEXT NOT NULL,
    hash       TEXT NOT NULL,
    document   TEXT NOT NULL,
    reason     TEXT NOT NULL DEFAULT '',
    frozen_at  BIGINT NOT NULL,
    PRIMARY KEY (month, edition)
);
-- Acceptance reviews: the evidence frozen at application, the experts' scores,
-- and the verdict with the rubric version it was given under.
CREATE TABLE reviews (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    city          TEXT NOT NULL REFERENCES cities (code),
    state         TEXT NOT NULL CHECK (state IN ('under_review', 'passed', 'rectify', 'failed')),
    rubric        TEXT NOT NULL,
    rubric_hash   TEXT NOT NULL,
    evidence      TEXT NOT NULL,
    evidence_hash TEXT NOT NULL,
    applied_at    BIGINT NOT NULL,
    concluded_at  BIGINT,
    verdict       TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX reviews_running ON reviews (city) WHERE state = 'under_review';
CREATE TABLE review_scores (
    review_id BIGINT NOT NULL REFERENCES reviews (id),
    item      TEXT NOT NULL,
    expert_id BIGINT NOT NULL REFERENCES accounts (id),
    points    BIGINT NOT NULL,
    remark    TEXT NOT NULL DEFAULT '',
    scored_at BIGINT NOT NULL,
    PRIMARY KEY (review_id, item, expert_id)
);

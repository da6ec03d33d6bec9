-- +goose Up
-- At which level each city's tables are, and the rollouts that bring them to
-- one in waves; which limits of a city differ from the platform's; and when a
-- city was last in use and has to be looked at again, so that one that rests is
-- not opened.
ALTER TABLE cities ADD COLUMN level BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cities ADD COLUMN awake_until BIGINT NOT NULL DEFAULT 0;
CREATE TABLE rollout_cities (
    level       BIGINT NOT NULL,
    city        TEXT NOT NULL REFERENCES cities (code),
    wave        INTEGER NOT NULL CHECK (wave > 0),
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'started', 'done', 'failed')),
    reason      TEXT NOT NULL DEFAULT '',
    started_at  BIGINT,
    finished_at BIGINT,
    PRIMARY KEY (level, city)
);
CREATE TABLE city_limits (
    city  TEXT NOT NULL REFERENCES cities (code),
    what  TEXT NOT NULL CHECK (what IN ('requests', 'queries', 'storage', 'users', 'import')),
    value BIGINT NOT NULL CHECK (value > 0),
    PRIMARY KEY (city, what)
);
CREATE TABLE city_visits (
    city       TEXT NOT NULL REFERENCES cities (code),
    job        TEXT NOT NULL,
    visited_at BIGINT NOT NULL,
    next_at    BIGINT,
    PRIMARY KEY (city, job)
);

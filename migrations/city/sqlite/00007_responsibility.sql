-- +goose Up
-- Who answers for what where (权责清单): a kind of the catalogue, or the beginning
-- of kinds' codes, in an area of the city, belongs to a lead department with
-- others assisting, from day to day. Two leads of one key are kept, not refused:
-- the checker lists them. Duties say in which responsibility grid a supervisor
-- works, and in which shift. Days are 2026-11-23, both ends included.
CREATE TABLE responsibilities (
    id        BIGINT PRIMARY KEY,
    version   TEXT NOT NULL,
    sort      TEXT NOT NULL DEFAULT '' CHECK (sort IN ('', 'part', 'event')),
    kind      TEXT NOT NULL,
    area      TEXT NOT NULL DEFAULT '' CHECK (length(area) IN (0, 6, 9, 12)),
    lead      TEXT NOT NULL REFERENCES departments (code),
    since_day TEXT NOT NULL DEFAULT '' CHECK (length(since_day) IN (0, 10)),
    until_day TEXT NOT NULL DEFAULT '' CHECK (length(until_day) IN (0, 10)),
    UNIQUE (version, sort, kind, area, lead, since_day),
    CHECK (until_day = '' OR since_day <= until_day)
);
CREATE TABLE responsibility_assisting (
    responsibility BIGINT NOT NULL REFERENCES responsibilities (id) ON DELETE CASCADE,
    position       INTEGER NOT NULL,
    department     TEXT NOT NULL REFERENCES departments (code),
    PRIMARY KEY (responsibility, position),
    UNIQUE (responsibility, department)
);
-- responsibility names one of responsibility_grids, without a key to it: those
-- are replaced as a whole, and a duty in one that is gone waits for its return.
CREATE TABLE duties (
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    responsibility TEXT NOT NULL,
    from_day       TEXT NOT NULL DEFAULT '' CHECK (length(from_day) IN (0, 10)),
    to_day         TEXT NOT NULL DEFAULT '' CHECK (length(to_day) IN (0, 10)),
    shift          TEXT NOT NULL DEFAULT '' CHECK (length(shift) IN (0, 11)),
    PRIMARY KEY (account_id, responsibility, from_day, shift),
    CHECK (to_day = '' OR from_day <= to_day)
);

-- +goose Up
-- Figures read from the journal. case_counts holds what each case adds to which
-- day (so a figure opens to its cases), indicator_days their sums; both can be
-- thrown away and are rebuilt from the steps with the same result.
CREATE TABLE readers (
    name     TEXT PRIMARY KEY,
    xid      BIGINT NOT NULL,
    step_id  BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
INSERT INTO readers (name, xid, step_id, revision) VALUES ('evaluation', 0, 0, 0);
CREATE TABLE case_counts (
    case_id    BIGINT NOT NULL REFERENCES cases (id),
    count      TEXT NOT NULL,
    day        TEXT NOT NULL,
    quantity   BIGINT NOT NULL,
    district   TEXT NOT NULL,
    department TEXT NOT NULL,
    PRIMARY KEY (case_id, count)
);
CREATE INDEX case_counts_day ON case_counts (day, count);
CREATE TABLE indicator_days (
    day       TEXT NOT NULL,
    dimension TEXT NOT NULL CHECK (dimension IN ('city', 'district', 'department')),
    member    TEXT NOT NULL,
    counts    TEXT NOT NULL,
    revision  BIGINT NOT NULL,
    PRIMARY KEY (day, dimension, member)
);
CREATE INDEX indicator_days_revision ON indicator_days (revision);

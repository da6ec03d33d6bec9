-- +goose Up
-- The organisation: departments as a tree over the city's divisions, the side of
-- separation (监管分离) each account stands on, the posts it holds and those it
-- deputises for (副岗), from day to day, and who is on leave. An account has one
-- side, a supervision post needs that side and an execution post the other, so
-- nobody can hold or deputise both, not even at different times. Days are
-- 2026-11-23, both ends included; '' is no bound.
CREATE TABLE departments (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('supervision_centre', 'command_centre', 'department', 'enterprise', 'contractor')),
    parent     TEXT REFERENCES departments (code) CHECK (parent <> code),
    area       TEXT NOT NULL DEFAULT '' CHECK (length(area) IN (0, 6, 9, 12)),
    retired    TEXT NOT NULL DEFAULT '' CHECK (length(retired) IN (0, 10))
);
CREATE INDEX departments_parent ON departments (parent);
-- The posts of the field and the side each stands on.
CREATE TABLE posts (
    role TEXT PRIMARY KEY,
    side TEXT NOT NULL CHECK (side IN ('supervision', 'execution', 'neutral'))
);
INSERT INTO posts (role, side) VALUES
    ('supervisor', 'supervision'), ('intake_clerk', 'supervision'), ('shift_leader', 'supervision'), ('evaluator', 'supervision'),
    ('dispatcher', 'execution'), ('department_handler', 'execution'),
    ('city_admin', 'neutral'), ('leader', 'neutral'), ('auditor', 'neutral');
CREATE TABLE sides (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
    side       TEXT NOT NULL CHECK (side IN ('supervision', 'execution', 'neutral')),
    UNIQUE (account_id, side)
);
CREATE TABLE holders (
    account_id BIGINT NOT NULL,
    role       TEXT NOT NULL REFERENCES posts (role),
    side       TEXT NOT NULL,
    department TEXT NOT NULL REFERENCES departments (code),
    from_day   TEXT NOT NULL DEFAULT '' CHECK (length(from_day) IN (0, 10)),
    until_day  TEXT NOT NULL DEFAULT '' CHECK (length(until_day) IN (0, 10)),
    since      BIGINT NOT NULL,
    PRIMARY KEY (account_id, role, department),
    FOREIGN KEY (account_id, side) REFERENCES sides (account_id, side) ON UPDATE CASCADE,
    CHECK (until_day = '' OR from_day <= until_day),
    CHECK (
        (role IN ('supervisor', 'intake_clerk', 'shift_leader', 'evaluator') AND side = 'supervision')
        OR (role IN ('dispatcher', 'department_handler') AND side = 'execution')
        OR role IN ('city_admin', 'leader', 'auditor')
    )
);
CREATE INDEX holders_department ON holders (department);
-- Who acts for whom. A post taken away ends the acting for it.
CREATE TABLE deputies (
    principal  BIGINT NOT NULL,
    role       TEXT NOT NULL,
    department TEXT NOT NULL,
    deputy     BIGINT NOT NULL,
    side       TEXT NOT NULL,
    from_day   TEXT NOT NULL CHECK (length(from_day) = 10),
    to_day     TEXT NOT NULL CHECK (length(to_day) = 10),
    PRIMARY KEY (principal, role, department, deputy, from_day),
    FOREIGN KEY (principal, role, department) REFERENCES holders (account_id, role, department) ON DELETE CASCADE,
    FOREIGN KEY (deputy, side) REFERENCES sides (account_id, side) ON UPDATE CASCADE,
    CHECK (principal <> deputy),
    CHECK (from_day <= to_day),
    CHECK (
        (role IN ('supervisor', 'intake_clerk', 'shift_leader', 'evaluator') AND side = 'supervision')
        OR (role IN ('dispatcher', 'department_handler') AND side = 'execution')
        OR role IN ('city_admin', 'leader', 'auditor')
    )
);
CREATE INDEX deputies_deputy ON deputies (deputy, role);
CREATE TABLE leaves (
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    from_day   TEXT NOT NULL CHECK (length(from_day) = 10),
    to_day     TEXT NOT NULL CHECK (length(to_day) = 10),
    reason     TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, from_day),
    CHECK (from_day <= to_day)
);
-- The day whose posts role_holders shows: dates pass without a write, so the
-- first look of a day moves it on, and bumps the policy version with it.
CREATE TABLE org_day (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    day TEXT NOT NULL
);
INSERT INTO org_day (id, day) VALUES (1, '');
-- One row; bumped in the transaction of every change to the organisation, the
-- matrix of responsibility or the duties, which it also keeps apart.
CREATE TABLE org_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO org_version (id, version) VALUES (1, 0);
CREATE INDEX accounts_disabled ON accounts (disabled_at) WHERE disabled_at IS NOT NULL;
-- The posts in effect on org_day, held or deputised, each once.
CREATE VIEW role_holders AS
SELECT h.account_id, h.role FROM holders h JOIN org_day d ON d.id = 1
WHERE h.from_day <= d.day AND (h.until_day = '' OR h.until_day >= d.day)
UNION
SELECT a.deputy, a.role
FROM deputies a
JOIN holders h ON h.account_id = a.principal AND h.role = a.role AND h.department = a.department
JOIN org_day d ON d.id = 1
WHERE a.from_day <= d.day AND a.to_day >= d.day AND h.from_day <= d.day AND (h.until_day = '' OR h.until_day >= d.day);

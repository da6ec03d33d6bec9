-- +goose Up
-- The organisation: departments, the side of separation (监管分离) each account
-- stands on, and the posts it holds. An account has one side, a supervision
-- post needs that side and an execution post the other, so nobody can hold both.
CREATE TABLE departments (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('supervision_centre', 'command_centre', 'department', 'enterprise', 'contractor')),
    parent     TEXT REFERENCES departments (code),
    district   TEXT NOT NULL DEFAULT ''
);
CREATE TABLE sides (
    account_id BIGINT PRIMARY KEY REFERENCES accounts (id),
    side       TEXT NOT NULL CHECK (side IN ('supervision', 'execution', 'neutral')),
    UNIQUE (account_id, side)
);
CREATE TABLE holders (
    account_id BIGINT NOT NULL,
    role       TEXT NOT NULL,
    side       TEXT NOT NULL,
    department TEXT NOT NULL REFERENCES departments (code),
    since      BIGINT NOT NULL,
    PRIMARY KEY (account_id, role),
    FOREIGN KEY (account_id, side) REFERENCES sides (account_id, side) ON UPDATE CASCADE,
    CHECK (
        (role IN ('supervisor', 'intake_clerk', 'shift_leader', 'evaluator') AND side = 'supervision')
        OR (role IN ('dispatcher', 'department_handler') AND side = 'execution')
        OR role IN ('city_admin', 'leader', 'auditor')
    )
);
CREATE INDEX holders_department ON holders (department);
CREATE VIEW role_holders AS SELECT account_id, role FROM holders;

-- The store of a chat on one SQLite file. sql/README.md explains the tables and how they differ
-- from the original design. Times are milliseconds since the Unix epoch, UTC.

-- Accounts. name_key is what names are compared by, and password an Argon2id hash; it is NULL for
-- users whom the host application authenticates. forgotten_epoch is the highest session count of a
-- device that was forgotten: a device of that name counts on from there.
CREATE TABLE User (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    password        TEXT,
    state           TEXT    NOT NULL DEFAULT 'offline' CHECK (state IN ('online', 'offline')),
    name_key        TEXT    NOT NULL,
    forgotten_epoch INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One user a name, and the login by name.
CREATE UNIQUE INDEX user_by_name ON User (name_key);
-- The sweep that repairs states after a crash, in pages.
CREATE INDEX user_by_state ON User (state, id);

-- Friendships: a row for each direction; one row for a friendship with oneself.
CREATE TABLE Friend (
    userid   INTEGER NOT NULL REFERENCES User (id),
    friendid INTEGER NOT NULL REFERENCES User (id),
    PRIMARY KEY (userid, friendid)
) STRICT, WITHOUT ROWID;

-- Groups. members counts the rows of GroupUser, in the transactions that change them.
CREATE TABLE AllGroup (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    groupname TEXT    NOT NULL,
    groupdesc TEXT    NOT NULL DEFAULT '',
    name_key  TEXT    NOT NULL,
    members   INTEGER NOT NULL DEFAULT 0 CHECK (members >= 0)
) STRICT;

-- One group a name.
CREATE UNIQUE INDEX group_by_name ON AllGroup (name_key);

-- Memberships. joined_seq is the group's last message when the member joined.
CREATE TABLE GroupUser (
    groupid    INTEGER NOT NULL REFERENCES AllGroup (id),
    userid     INTEGER NOT NULL REFERENCES User (id),
    grouprole  TEXT    NOT NULL DEFAULT 'normal' CHECK (grouprole IN ('creator', 'normal')),
    joined_seq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (groupid, userid)
) STRICT, WITHOUT ROWID;

-- The groups of a user.
CREATE INDEX group_user_by_user ON GroupUser (userid, groupid);

-- When a user last joined or left a group.
CREATE TABLE GroupChange (
    groupid    INTEGER NOT NULL REFERENCES AllGroup (id),
    userid     INTEGER NOT NULL REFERENCES User (id),
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (groupid, userid)
) STRICT, WITHOUT ROWID;

-- The memberships that changed lately.
CREATE INDEX group_change_by_time ON GroupChange (changed_at);

-- Conversations that have a message. A row holds either the two users, the lower id first, or the
-- group. last_at is the last message's time, updated_at the time by this machine's clock when the
-- conversation last got a message.
CREATE TABLE Conversation (
    id         TEXT    NOT NULL PRIMARY KEY,
    last_seq   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    low_user   INTEGER REFERENCES User (id),
    high_user  INTEGER REFERENCES User (id),
    groupid    INTEGER REFERENCES AllGroup (id)
) STRICT, WITHOUT ROWID;

-- The direct conversations in which a user has the lower id, in the order of their ids.
CREATE INDEX conversation_by_low_user ON Conversation (low_user, high_user);
-- Those in which they have the higher one.
CREATE INDEX conversation_by_high_user ON Conversation (high_user, low_user);
-- The conversation of a group.
CREATE UNIQUE INDEX conversation_by_group ON Conversation (groupid);
-- The conversations that got messages lately.
CREATE INDEX conversation_by_update ON Conversation (updated_at);

-- Messages: one log a conversation.
CREATE TABLE Message (
    conversation TEXT    NOT NULL REFERENCES Conversation (id),
    seq          INTEGER NOT NULL CHECK (seq > 0),
    sender       INTEGER NOT NULL REFERENCES User (id),
    id           TEXT    NOT NULL,
    id_origin    TEXT    NOT NULL CHECK (id_origin IN ('client', 'node')),
    body         TEXT    NOT NULL,
    data         TEXT,
    at           INTEGER NOT NULL,
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

-- An id of a sender is stored once in a conversation.
CREATE UNIQUE INDEX message_by_id ON Message (conversation, sender, id);

-- The devices of a user. epoch counts a device's sessions, and opened_at is the time by this
-- machine's clock when the newest of them began.
CREATE TABLE Device (
    userid        INTEGER NOT NULL REFERENCES User (id),
    device        TEXT    NOT NULL,
    epoch         INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    opened_at     INTEGER NOT NULL,
    PRIMARY KEY (userid, device)
) STRICT, WITHOUT ROWID;

-- The devices that were opened lately.
CREATE INDEX device_by_opening ON Device (opened_at);

-- How far a device has acknowledged a conversation. The key's order serves both the position of
-- one device and the furthest device of a user. There is no reference to Conversation, because SQLite
-- would then look for orphans here whenever a conversation begins.
CREATE TABLE DeviceCursor (
    userid       INTEGER NOT NULL,
    conversation TEXT    NOT NULL,
    device       TEXT    NOT NULL,
    acked_seq    INTEGER NOT NULL,
    PRIMARY KEY (userid, conversation, device),
    FOREIGN KEY (userid, device) REFERENCES Device (userid, device)
) STRICT, WITHOUT ROWID;

-- Session tokens, known by their SHA-256.
CREATE TABLE Token (
    hash       BLOB    NOT NULL PRIMARY KEY,
    userid     INTEGER NOT NULL REFERENCES User (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A user's tokens, those that end first in front.
CREATE INDEX token_by_user ON Token (userid, expires_at);
-- The tokens that are over.
CREATE INDEX token_by_end ON Token (expires_at);

-- Where a user takes part, and how far their furthest device has come there.
CREATE VIEW FurthestCursor AS
    SELECT c.low_user AS userid, c.id AS conversation,
           COALESCE((SELECT MAX(d.acked_seq) FROM DeviceCursor d
                      WHERE d.userid = c.low_user AND d.conversation = c.id), 0) AS acked_seq
      FROM Conversation c
     WHERE c.low_user IS NOT NULL
    UNION ALL
    SELECT c.high_user, c.id,
           COALESCE((SELECT MAX(d.acked_seq) FROM DeviceCursor d
                      WHERE d.userid = c.high_user AND d.conversation = c.id), 0)
      FROM Conversation c
     WHERE c.high_user > c.low_user
    UNION ALL
    SELECT g.userid, c.id,
           MAX(g.joined_seq,
               COALESCE((SELECT MAX(d.acked_seq) FROM DeviceCursor d
                          WHERE d.userid = g.userid AND d.conversation = c.id), 0))
      FROM GroupUser g
      JOIN Conversation c ON c.groupid = g.groupid;

-- The original table of messages kept for absent users, as a view: for each user the messages of
-- others that the user's furthest device has not acknowledged, as the protocol's event.
CREATE VIEW OfflineMessage AS
    SELECT e.userid AS userid,
           CASE WHEN e.data IS NULL THEN e.event ELSE json_insert(e.event, '$.data', json(e.data)) END AS message
      FROM (SELECT f.userid AS userid, m.data AS data,
                   CASE m.id_origin
                       WHEN 'client' THEN
                           json_object('type', 'message', 'conversation', m.conversation, 'seq', m.seq,
                                       'from', json_object('id', u.id, 'name', u.name),
                                       'body', m.body, 'at', m.at, 'id', m.id)
                       ELSE
                           json_object('type', 'message', 'conversation', m.conversation, 'seq', m.seq,
                                       'from', json_object('id', u.id, 'name', u.name),
                                       'body', m.body, 'at', m.at)
                   END AS event
              FROM FurthestCursor f
              JOIN Message m
                ON m.conversation = f.conversation AND m.seq > f.acked_seq AND m.sender <> f.userid
              JOIN User u ON u.id = m.sender) e;

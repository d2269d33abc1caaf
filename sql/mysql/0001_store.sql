-- The store of a chat on MySQL 8, MariaDB 10.11 and later, and what speaks their language. sql/README.md
-- explains the tables and how they differ from the original design and from SQLite's. Times are
-- milliseconds since the Unix epoch, UTC.
--
-- MySQL commits each of these statements by itself. Each can be run again, so that a migration that was
-- interrupted is run again from its beginning.

-- Accounts. name_key is what names are compared by, and password an Argon2id hash; it is NULL for
-- users whom the host application authenticates. forgotten_epoch is the highest session count of a
-- device that was forgotten: a device of that name counts on from there.
CREATE TABLE IF NOT EXISTS User (
    id              BIGINT                     NOT NULL AUTO_INCREMENT,
    name            VARCHAR(50)                NOT NULL,
    password        VARCHAR(255),
    state           ENUM ('online', 'offline') NOT NULL DEFAULT 'offline',
    name_key        VARBINARY(1650)            NOT NULL,
    forgotten_epoch BIGINT                     NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY user_by_name (name_key) COMMENT 'One user a name, and the login by name',
    KEY user_by_state (state, id) COMMENT 'The sweep that repairs states after a crash, in pages'
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Friendships: a row for each direction; one row for a friendship with oneself.
CREATE TABLE IF NOT EXISTS Friend (
    userid   BIGINT NOT NULL,
    friendid BIGINT NOT NULL,
    PRIMARY KEY (userid, friendid)
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Groups. members counts the rows of GroupUser, in the transactions that change them.
CREATE TABLE IF NOT EXISTS AllGroup (
    id        BIGINT          NOT NULL AUTO_INCREMENT,
    groupname VARCHAR(50)     NOT NULL,
    groupdesc VARCHAR(200)    NOT NULL DEFAULT '',
    name_key  VARBINARY(1650) NOT NULL,
    members   BIGINT          NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY group_by_name (name_key) COMMENT 'One group a name',
    CONSTRAINT members_are_counted CHECK (members >= 0)
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Memberships. joined_seq is the group's last message when the member joined.
CREATE TABLE IF NOT EXISTS GroupUser (
    groupid    BIGINT                     NOT NULL,
    userid     BIGINT                     NOT NULL,
    grouprole  ENUM ('creator', 'normal') NOT NULL DEFAULT 'normal',
    joined_seq BIGINT                     NOT NULL DEFAULT 0,
    PRIMARY KEY (groupid, userid),
    KEY group_user_by_user (userid, groupid) COMMENT 'The groups of a user'
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- When a user last joined or left a group.
CREATE TABLE IF NOT EXISTS GroupChange (
    groupid    BIGINT NOT NULL,
    userid     BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (groupid, userid),
    KEY group_change_by_time (changed_at) COMMENT 'The memberships that changed lately'
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Conversations. A row holds either the two users, the lower id first, or the group. last_at is the
-- last message's time, updated_at the time by the server's clock when the conversation last got a
-- message. The row is the lock of everything that is ordered with the conversation's messages. That
-- of a group is there from the group's beginning on; one with last_seq 0 has no message yet.
CREATE TABLE IF NOT EXISTS Conversation (
    id         VARCHAR(35) NOT NULL,
    last_seq   BIGINT      NOT NULL,
    last_at    BIGINT      NOT NULL,
    updated_at BIGINT      NOT NULL,
    low_user   BIGINT,
    high_user  BIGINT,
    groupid    BIGINT,
    PRIMARY KEY (id),
    KEY conversation_by_low_user (low_user, high_user)
        COMMENT 'The direct conversations in which a user has the lower id, in the order of their ids',
    KEY conversation_by_high_user (high_user, low_user) COMMENT 'Those in which they have the higher one',
    UNIQUE KEY conversation_by_group (groupid) COMMENT 'The conversation of a group',
    KEY conversation_by_update (updated_at) COMMENT 'The conversations that got messages lately'
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Messages: one log a conversation.
CREATE TABLE IF NOT EXISTS Message (
    conversation VARCHAR(35)             NOT NULL,
    seq          BIGINT                  NOT NULL,
    sender       BIGINT                  NOT NULL,
    id           VARCHAR(64)             NOT NULL,
    id_origin    ENUM ('client', 'node') NOT NULL,
    body         TEXT                    NOT NULL,
    data         TEXT,
    at           BIGINT                  NOT NULL,
    PRIMARY KEY (conversation, seq),
    UNIQUE KEY message_by_id (conversation, sender, id)
        COMMENT 'An id of a sender is stored once in a conversation',
    CONSTRAINT messages_are_numbered CHECK (seq > 0)
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- The devices of a user. epoch counts a device's sessions, and opened_at is the time by the server's
-- clock when the last one began.
CREATE TABLE IF NOT EXISTS Device (
    userid        BIGINT      NOT NULL,
    device        VARCHAR(64) NOT NULL,
    epoch         BIGINT      NOT NULL,
    first_seen_at BIGINT      NOT NULL,
    last_seen_at  BIGINT      NOT NULL,
    opened_at     BIGINT      NOT NULL,
    PRIMARY KEY (userid, device),
    KEY device_by_opening (opened_at) COMMENT 'The devices whose sessions began lately'
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- How far a device has acknowledged a conversation. The key's order serves both the position of
-- one device and the furthest device of a user.
CREATE TABLE IF NOT EXISTS DeviceCursor (
    userid       BIGINT      NOT NULL,
    conversation VARCHAR(35) NOT NULL,
    device       VARCHAR(64) NOT NULL,
    acked_seq    BIGINT      NOT NULL,
    PRIMARY KEY (userid, conversation, device)
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Session tokens, known by their SHA-256.
CREATE TABLE IF NOT EXISTS Token (
    hash       BINARY(32) NOT NULL,
    userid     BIGINT     NOT NULL,
    expires_at BIGINT     NOT NULL,
    PRIMARY KEY (hash),
    KEY token_by_user (userid, expires_at) COMMENT 'A user''s tokens, those that end first in front',
    KEY token_by_end (expires_at) COMMENT 'The tokens that are over'
) ENGINE = InnoDB, DEFAULT CHARACTER SET = utf8mb4, COLLATE = utf8mb4_bin;

-- Where a user takes part, and how far their furthest device has come there.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW FurthestCursor AS
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
           GREATEST(g.joined_seq,
                    COALESCE((SELECT MAX(d.acked_seq) FROM DeviceCursor d
                               WHERE d.userid = g.userid AND d.conversation = c.id), 0))
      FROM GroupUser g
      JOIN Conversation c ON c.groupid = g.groupid;

-- The original table of messages kept for absent users, as a view: for each user the messages of
-- others that the user's furthest device has not acknowledged, as the protocol's event. data is put
-- in as it is, because MariaDB reads JSON only to a depth of 32.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW OfflineMessage AS
    SELECT f.userid AS userid,
           CONCAT(LEFT(CAST(JSON_OBJECT('type', 'message', 'conversation', m.conversation, 'seq', m.seq,
                                        'from', JSON_OBJECT('id', u.id, 'name', u.name),
                                        'body', m.body, 'at', m.at) AS CHAR),
                       CHAR_LENGTH(CAST(JSON_OBJECT('type', 'message', 'conversation', m.conversation,
                                                    'seq', m.seq,
                                                    'from', JSON_OBJECT('id', u.id, 'name', u.name),
                                                    'body', m.body, 'at', m.at) AS CHAR)) - 1),
                  CASE m.id_origin WHEN 'client' THEN CONCAT(', "id": "', m.id, '"') ELSE '' END,
                  CASE WHEN m.data IS NULL THEN '' ELSE CONCAT(', "data": ', m.data) END,
                  '}') AS message
      FROM FurthestCursor f
      JOIN Message m
        ON m.conversation = f.conversation AND m.seq > f.acked_seq AND m.sender <> f.userid
      JOIN User u ON u.id = m.sender;

-- People: users, and the contacts that they know.
-- A moment that has not come is 1970-01-01, never NULL: a row that grows on UPDATE costs InnoDB three times as much.
CREATE TABLE users (
    id                           BIGINT        NOT NULL AUTO_INCREMENT PRIMARY KEY,
    external_id                  VARCHAR(190)  NOT NULL,
    username                     VARCHAR(255)  NOT NULL,
    email                        VARCHAR(254)  NOT NULL,
    role                         VARCHAR(8)    NOT NULL DEFAULT 'user',
    active                       TINYINT       NOT NULL DEFAULT 1,
    email_verified               TINYINT       NOT NULL DEFAULT 0,
    last_active_at               DATETIME(6)   NOT NULL DEFAULT '1970-01-01 00:00:00',
    locale                       CHAR(2)       NOT NULL DEFAULT 'fr',
    timezone                     VARCHAR(64)   NOT NULL DEFAULT '',
    send_day                     TINYINT       NOT NULL DEFAULT 5,
    first_reminder               TINYINT       NOT NULL DEFAULT 1,
    second_reminder              TINYINT       NOT NULL DEFAULT 1,
    reminder_channel             VARCHAR(8)    NOT NULL DEFAULT 'email',
    email_template               VARCHAR(16)   NOT NULL DEFAULT 'friendly',
    custom_message               VARCHAR(500)  NOT NULL DEFAULT '',
    max_contacts_per_cycle       SMALLINT      NOT NULL DEFAULT 0,
    include_tags                 VARCHAR(2000) NOT NULL DEFAULT '',
    exclude_tags                 VARCHAR(2000) NOT NULL DEFAULT '',
    min_response_rate            DOUBLE        NOT NULL DEFAULT 0,
    min_days_between_invitations SMALLINT      NOT NULL DEFAULT 0,
    joined_cycles                INT           NOT NULL DEFAULT 0,
    total_invitations_sent       INT           NOT NULL DEFAULT 0,
    average_response_rate        DOUBLE        NOT NULL DEFAULT 0,
    UNIQUE KEY users_external_id (external_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Clustered by owner, because every job walks a user's contacts together. A response_rate below 0 is "none yet".
CREATE TABLE contacts (
    id                   BIGINT        NOT NULL AUTO_INCREMENT,
    user_id              BIGINT        NOT NULL,
    email                VARCHAR(254)  NOT NULL,
    first_name           VARCHAR(190)  NOT NULL DEFAULT '',
    last_name            VARCHAR(190)  NOT NULL DEFAULT '',
    linked_user_id       BIGINT        NOT NULL DEFAULT 0,
    status               VARCHAR(16)   NOT NULL DEFAULT 'active',
    email_status         VARCHAR(20)   NOT NULL DEFAULT 'active',
    bounce_count         INT           NOT NULL DEFAULT 0,
    last_bounce_at       DATETIME(6)   NOT NULL DEFAULT '1970-01-01 00:00:00',
    opted_out            TINYINT       NOT NULL DEFAULT 0,
    opt_out_reason       VARCHAR(255)  NOT NULL DEFAULT '',
    opted_out_at         DATETIME(6)   NOT NULL DEFAULT '1970-01-01 00:00:00',
    active               TINYINT       NOT NULL DEFAULT 1,
    tags                 VARCHAR(2000) NOT NULL DEFAULT '',
    last_sent_at         DATETIME(6)   NOT NULL DEFAULT '1970-01-01 00:00:00',
    invitations_sent     INT           NOT NULL DEFAULT 0,
    responses_received   INT           NOT NULL DEFAULT 0,
    response_rate        DOUBLE        NOT NULL DEFAULT -1,
    source               VARCHAR(16)   NOT NULL DEFAULT 'csv',
    PRIMARY KEY (user_id, id),
    UNIQUE KEY contacts_id (id),
    UNIQUE KEY contacts_owner_email (user_id, email),
    KEY contacts_email (email)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Addresses that nobody may write to.
CREATE TABLE suppressions (
    email         VARCHAR(254) NOT NULL PRIMARY KEY,
    reason        VARCHAR(32)  NOT NULL,
    suppressed_at DATETIME(6)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

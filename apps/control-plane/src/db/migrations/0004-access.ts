/** People, their sessions and keys, and the log of what they did. */
export const access = `
CREATE TABLE users (
  user_id           text COLLATE "C" PRIMARY KEY,
  name              text COLLATE "C" NOT NULL UNIQUE,
  role              text NOT NULL CHECK (role IN ('admin', 'member')),
  account_id        text COLLATE "C" NOT NULL UNIQUE,
  password_hash     text NOT NULL,
  status            text NOT NULL CHECK (status IN ('active', 'disabled')),
  failed_logins     integer NOT NULL CHECK (failed_logins >= 0),
  locked_until      bigint,
  created_at        bigint NOT NULL
);

CREATE TABLE sessions (
  session_id        text COLLATE "C" PRIMARY KEY,
  user_id           text COLLATE "C" NOT NULL REFERENCES users,
  refresh_hash      text COLLATE "C" NOT NULL,
  used_hashes       text[] NOT NULL,
  created_at        bigint NOT NULL,
  expires_at        bigint NOT NULL,
  ended_at          bigint,
  user_agent        text NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id, session_id);

CREATE TABLE api_tokens (
  token_id          text COLLATE "C" PRIMARY KEY,
  user_id           text COLLATE "C" NOT NULL REFERENCES users,
  name              text NOT NULL,
  hash              text COLLATE "C" NOT NULL UNIQUE,
  scopes            text[] NOT NULL,
  created_at        bigint NOT NULL,
  expires_at        bigint,
  revoked_at        bigint,
  last_used_at      bigint
);

CREATE INDEX api_tokens_by_user ON api_tokens (user_id, token_id);

CREATE TABLE join_tokens (
  join_token_id     text COLLATE "C" PRIMARY KEY,
  user_id           text COLLATE "C" NOT NULL REFERENCES users,
  account_id        text COLLATE "C" NOT NULL,
  name              text NOT NULL,
  hash              text COLLATE "C" NOT NULL UNIQUE,
  uses_left         integer NOT NULL CHECK (uses_left >= 0),
  created_at        bigint NOT NULL,
  expires_at        bigint NOT NULL,
  revoked_at        bigint
);

CREATE INDEX join_tokens_by_user ON join_tokens (user_id, join_token_id);

CREATE TABLE audit_entries (
  sequence          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at                bigint NOT NULL,
  actor             text NOT NULL,
  action            text NOT NULL,
  subject           text NOT NULL,
  address           text NOT NULL,
  facts             json NOT NULL
);

CREATE TRIGGER audit_entries_are_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE kept_facts (
  name              text COLLATE "C" PRIMARY KEY,
  value             text NOT NULL
);
`

/** Which content is here and who may read it, the feed of events, the logs of tasks, and who leads. */
export const content = `
CREATE TABLE blobs (
  digest            text COLLATE "C" PRIMARY KEY,
  size              bigint NOT NULL CHECK (size >= 0),
  at                bigint NOT NULL,
  -- Set when the content is small enough to be kept here.
  content           bytea
);

CREATE TABLE blob_grants (
  account_id        text COLLATE "C" NOT NULL,
  digest            text COLLATE "C" NOT NULL,
  PRIMARY KEY (account_id, digest)
);

-- Sequence numbers are given before the commit, so a reader who went by them alone would pass over a transaction that
-- commits late. Readers go by transaction, and only as far as every older one has ended.
CREATE TABLE events (
  xid               bigint NOT NULL,
  sequence          bigint GENERATED ALWAYS AS IDENTITY,
  type              text NOT NULL,
  at                bigint NOT NULL,
  account_id        text COLLATE "C",
  job_id            text COLLATE "C",
  task_id           text COLLATE "C",
  node_id           text COLLATE "C",
  data              json NOT NULL,
  PRIMARY KEY (xid, sequence)
);

-- Added to every transaction's number: a database restored into another server goes on counting where it was.
CREATE TABLE feed_origin (
  xid               bigint NOT NULL
);
INSERT INTO feed_origin VALUES (0);

CREATE INDEX events_by_age ON events (at);

CREATE TABLE log_chunks (
  task_id           text COLLATE "C" NOT NULL,
  attempt_id        text COLLATE "C" NOT NULL,
  sequence          integer NOT NULL CHECK (sequence >= 0),
  stream            text NOT NULL CHECK (stream IN ('stdout', 'stderr', 'system')),
  text              text NOT NULL,
  at                bigint NOT NULL,
  PRIMARY KEY (task_id, attempt_id, sequence)
);

CREATE TABLE leadership (
  role              text COLLATE "C" PRIMARY KEY,
  epoch             bigint NOT NULL CHECK (epoch >= 0)
);
`

/** How far tasks came: what they left in `/state`, and which attempt went on from what. */
export const checkpoints = `
ALTER TABLE attempts
  -- The checkpoint it began from, with who did the work up to there; fixed when it was placed.
  ADD COLUMN resumed_from json,
  -- The newest of its own.
  ADD COLUMN checkpoint json;

CREATE TABLE checkpoints (
  attempt_id        text COLLATE "C" PRIMARY KEY,
  task_id           text COLLATE "C" NOT NULL,
  fence             integer NOT NULL CHECK (fence >= 1),
  sequence          integer NOT NULL CHECK (sequence >= 1),
  files             json NOT NULL,
  bytes             bigint NOT NULL CHECK (bytes >= 0),
  work              json NOT NULL,
  signature         text NOT NULL,
  at                bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX checkpoints_by_task ON checkpoints (task_id, fence);

-- Each belongs to one attempt, whatever else has the same content: letting it go concerns nobody else.
CREATE TABLE state_files (
  attempt_id        text COLLATE "C" NOT NULL,
  digest            text COLLATE "C" NOT NULL,
  task_id           text COLLATE "C" NOT NULL,
  size              bigint NOT NULL CHECK (size >= 0),
  -- Whether a checkpoint names it; else it was uploaded for the next one.
  named             boolean NOT NULL,
  at                bigint NOT NULL,
  -- Small content itself, or the name under which the blob store has it.
  content           bytea,
  kept_as           text COLLATE "C",
  PRIMARY KEY (attempt_id, digest),
  CONSTRAINT kept_once CHECK ((content IS NULL) <> (kept_as IS NULL))
);

CREATE INDEX state_files_by_task ON state_files (task_id);
CREATE INDEX state_files_unnamed ON state_files (at) WHERE NOT named;

-- Names in the blob store that nothing refers to any more.
CREATE TABLE state_leftovers (
  kept_as           text COLLATE "C" PRIMARY KEY
);
`

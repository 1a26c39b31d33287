/** Devices that lend, what is reserved on them, and the gateways that hold their channels. */
export const nodes = `
CREATE TABLE nodes (
  node_id           text COLLATE "C" PRIMARY KEY,
  owner_id          text COLLATE "C" NOT NULL,
  name              text NOT NULL,
  public_key        text COLLATE "C" NOT NULL UNIQUE,
  device            json NOT NULL,
  labels            json NOT NULL,
  harvest           json NOT NULL,
  capacity_cpu      bigint NOT NULL CHECK (capacity_cpu >= 0),
  capacity_memory   bigint NOT NULL CHECK (capacity_memory >= 0),
  capacity_disk     bigint NOT NULL CHECK (capacity_disk >= 0),
  reserved_cpu      bigint NOT NULL CHECK (reserved_cpu >= 0),
  reserved_memory   bigint NOT NULL CHECK (reserved_memory >= 0),
  reserved_disk     bigint NOT NULL CHECK (reserved_disk >= 0),
  reservations      integer NOT NULL CHECK (reservations >= 0),
  health            text NOT NULL CHECK (health IN ('online', 'suspect', 'unreachable', 'lost')),
  health_since      bigint NOT NULL,
  duty              text NOT NULL CHECK (duty IN ('active', 'draining', 'quarantined', 'retired')),
  gateway_id        text COLLATE "C",
  trust             integer NOT NULL CHECK (trust BETWEEN 0 AND 1000),
  latency_ms        double precision,
  enrolled_at       bigint NOT NULL,
  last_seen_at      bigint NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX nodes_by_owner ON nodes (owner_id, node_id);
CREATE INDEX nodes_by_gateway ON nodes (gateway_id, node_id) WHERE gateway_id IS NOT NULL;

CREATE TABLE reservations (
  attempt_id        text COLLATE "C" PRIMARY KEY,
  node_id           text COLLATE "C" NOT NULL REFERENCES nodes,
  cpu               bigint NOT NULL CHECK (cpu >= 0),
  memory            bigint NOT NULL CHECK (memory >= 0),
  disk              bigint NOT NULL CHECK (disk >= 0)
);

CREATE INDEX reservations_by_node ON reservations (node_id);

CREATE TABLE gateways (
  gateway_id        text COLLATE "C" PRIMARY KEY,
  beat_at           bigint NOT NULL
) WITH (fillfactor = 50);
`

/**
 * The mixnet's directory. What an authority signed for an epoch is pinned before it leaves; a consensus stays what it was. Each row
 * belongs to one network, so that a fog whose rules change begins anew without touching what it signed before.
 */
export const mixnet = `
CREATE TABLE mixnet_descriptors (
  network           text COLLATE "C" NOT NULL,
  epoch             bigint NOT NULL,
  node_id           text COLLATE "C" NOT NULL,
  content           bytea NOT NULL,
  PRIMARY KEY (network, epoch, node_id)
);

CREATE TABLE mixnet_pins (
  network           text COLLATE "C" NOT NULL,
  kind              text NOT NULL CHECK (kind IN ('vote', 'digest')),
  epoch             bigint NOT NULL,
  content           bytea NOT NULL,
  PRIMARY KEY (network, kind, epoch)
);

CREATE TABLE mixnet_consensuses (
  network           text COLLATE "C" NOT NULL,
  epoch             bigint NOT NULL,
  content           bytea NOT NULL,
  PRIMARY KEY (network, epoch)
);

CREATE TABLE mixnet_evidence (
  network           text COLLATE "C" NOT NULL,
  kind              text NOT NULL CHECK (kind IN ('descriptor', 'vote')),
  culprit           text COLLATE "C" NOT NULL,
  epoch             bigint NOT NULL,
  first             bytea NOT NULL,
  second            bytea NOT NULL,
  PRIMARY KEY (network, kind, culprit, epoch)
);
CREATE INDEX mixnet_evidence_by_epoch ON mixnet_evidence (network, epoch DESC);
CREATE INDEX mixnet_evidence_by_culprit ON mixnet_evidence (network, culprit);

-- Messages of other authorities, until the control plane that leads has read them.
CREATE TABLE mixnet_messages (
  network           text COLLATE "C" NOT NULL,
  digest            text COLLATE "C" NOT NULL,
  content           bytea NOT NULL,
  at                bigint NOT NULL,
  PRIMARY KEY (network, digest)
);

CREATE TABLE mixnet_operators (
  account_id        text COLLATE "C" PRIMARY KEY,
  operator          text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE mixnet_nodes (
  identity_key      text COLLATE "C" PRIMARY KEY,
  account_id        text COLLATE "C" NOT NULL REFERENCES mixnet_operators,
  name              text NOT NULL,
  added_at          bigint NOT NULL,
  revoked_at        bigint
);
CREATE INDEX mixnet_nodes_by_account ON mixnet_nodes (account_id, identity_key);

CREATE TABLE mixnet_reports (
  network           text COLLATE "C" NOT NULL,
  epoch             bigint NOT NULL,
  identity_key      text COLLATE "C" NOT NULL,
  revision          integer NOT NULL,
  covered_ms        bigint NOT NULL CHECK (covered_ms > 0),
  received          bigint NOT NULL,
  forwarded         bigint NOT NULL,
  delivered         bigint NOT NULL,
  cover             bigint NOT NULL,
  dropped           bigint NOT NULL,
  bytes_in          bigint NOT NULL,
  bytes_out         bigint NOT NULL,
  loops_sent        bigint NOT NULL,
  loops_returned    bigint NOT NULL,
  loops_lost        bigint NOT NULL,
  at                bigint NOT NULL,
  content           bytea NOT NULL,
  PRIMARY KEY (network, epoch, identity_key)
);
CREATE INDEX mixnet_reports_by_node ON mixnet_reports (network, identity_key, epoch DESC);
`

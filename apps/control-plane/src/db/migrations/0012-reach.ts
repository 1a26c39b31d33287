/**
 * How nodes are reached, and how content came: directly, or through the mixnet. The same content may come both ways. What was here
 * before came directly.
 */
export const reach = `
ALTER TABLE nodes ADD COLUMN reach text CHECK (reach IN ('direct', 'mixnet'));

ALTER TABLE blob_grants
  ADD COLUMN reach text NOT NULL DEFAULT 'direct' CHECK (reach IN ('direct', 'mixnet')),
  DROP CONSTRAINT blob_grants_pkey,
  ADD PRIMARY KEY (account_id, digest, reach);
-- Whether anybody brought some content directly.
CREATE INDEX blob_grants_by_digest ON blob_grants (digest, reach);
`

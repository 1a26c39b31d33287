/** What re-planning found: the newest fronts, each a document. */
export const fronts = `
CREATE TABLE fronts (
  planned_at        bigint PRIMARY KEY,
  front             json NOT NULL
);
`

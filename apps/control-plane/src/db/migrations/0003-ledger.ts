/** Money. Rows of transfers and postings are written once; the database itself refuses a transfer that does not balance. */
export const ledger = `
CREATE TABLE accounts (
  account_id        text COLLATE "C" PRIMARY KEY,
  kind              text NOT NULL CHECK (kind IN ('user', 'escrow', 'treasury', 'mint', 'burn')),
  name              text NOT NULL,
  balance           numeric(38, 0) NOT NULL,
  opened_at         bigint NOT NULL,
  CONSTRAINT only_mint_owes CHECK (kind = 'mint' OR balance >= 0)
) WITH (fillfactor = 50);

CREATE TABLE transfers (
  transfer_id       text COLLATE "C" PRIMARY KEY,
  sequence          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  kind              text NOT NULL CHECK (kind IN ('mint', 'burn', 'hold', 'settle', 'release', 'transfer')),
  reference         text NOT NULL,
  at                bigint NOT NULL
);

CREATE TABLE postings (
  sequence          bigint NOT NULL REFERENCES transfers (sequence),
  place             integer NOT NULL,
  account_id        text COLLATE "C" NOT NULL REFERENCES accounts,
  amount            numeric(38, 0) NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (sequence, place)
);

CREATE INDEX postings_by_account ON postings (account_id, sequence);

CREATE TABLE holds (
  hold_id           text COLLATE "C" PRIMARY KEY,
  account_id        text COLLATE "C" NOT NULL REFERENCES accounts,
  amount            numeric(38, 0) NOT NULL CHECK (amount >= 0),
  reference         text NOT NULL,
  status            text NOT NULL CHECK (status IN ('open', 'settled', 'released')),
  opened_at         bigint NOT NULL,
  closed_at         bigint,
  spent             numeric(38, 0) NOT NULL CHECK (spent BETWEEN 0 AND amount),
  CONSTRAINT closed_when_ended CHECK ((status = 'open') = (closed_at IS NULL))
);

CREATE INDEX holds_open ON holds (hold_id) WHERE status = 'open';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are written once', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER transfers_are_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_are_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM written GROUP BY sequence HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'the postings of a transfer sum to zero' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER transfers_balance AFTER INSERT ON postings REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced();
`

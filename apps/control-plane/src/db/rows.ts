import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

/** Types of the columns that go to the database in batches. */
export type ColumnType = 'text' | 'int8' | 'int4' | 'int2' | 'numeric' | 'float8' | 'bool' | 'json' | 'bytea'

/** How an item becomes a row: for each column its type and its value. */
export type RowShape<Item> = Readonly<Record<string, readonly [ColumnType, (item: Item) => unknown]>>

/**
 * Items as a table expression: `unnest($1::text[], $2::int8[], …) AS r (a, b, …)`. One parameter a column, so a batch of any
 * size is one statement, and the same one each time.
 */
export function rowsOf<Item>(shape: RowShape<Item>, items: readonly Item[]): RawBuilder<unknown> {
  const columns = Object.entries(shape)
  const arrays = columns.map(
    ([, [type, of]]) => sql`${sql.val(items.map((item) => encode(type, of(item))))}::${sql.raw(type)}[]`,
  )
  const names = columns.map(([name]) => sql.ref(name))
  return sql`unnest(${sql.join(arrays)}) AS r (${sql.join(names)})`
}

/** `a, b, c` */
export function namesOf(shape: RowShape<never>): RawBuilder<unknown> {
  return sql.join(Object.keys(shape).map((name) => sql.ref(name)))
}

/** `a = r.a, b = r.b`, without the columns that name the row. */
export function assignmentsOf(shape: RowShape<never>, ...keys: string[]): RawBuilder<unknown> {
  const changed = Object.keys(shape).filter((name) => !keys.includes(name))
  return sql.join(changed.map((name) => sql`${sql.ref(name)} = ${sql.ref(`r.${name}`)}`))
}

/** `$1::text[]` */
export function texts(values: readonly string[]): RawBuilder<string[]> {
  return sql<string[]>`${sql.val([...values])}::text[]`
}

function encode(type: ColumnType, value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (type === 'json') return toJson(value)
  return typeof value === 'string' ? toText(value) : value
}

/** PostgreSQL keeps any text but the NUL character, and programs may write that too. */
export function toText(value: string): string {
  return value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
}

/** JSON as the database takes it. Big integers become texts, to be read back by whoever knows them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? each.toString() : each))
}

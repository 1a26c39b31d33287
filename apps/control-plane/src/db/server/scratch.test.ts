import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scratchPostgres } from './scratch.ts'
import type { PostgresConnection } from './postgres-server.ts'
import type { ScratchPostgres } from './scratch.ts'

let scratch: ScratchPostgres

beforeAll(async () => {
  scratch = await scratchPostgres()
  await scratch.template('filled', (connection) =>
    query(connection, 'CREATE TABLE t AS SELECT 7 AS n').then(() => undefined),
  )
})

afterAll(() => scratch.stop())

async function query(connection: PostgresConnection, sql: string): Promise<unknown[]> {
  const client = new Client(connection)
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('a fresh database is a private copy of its template', async () => {
  const one = await scratch.freshDatabase('filled')
  const other = await scratch.freshDatabase('filled')
  await query(one.connection, 'UPDATE t SET n = 8')
  expect(await query(one.connection, 'SELECT n FROM t')).toEqual([{ n: 8 }])
  expect(await query(other.connection, 'SELECT n FROM t')).toEqual([{ n: 7 }])
  await one.drop()
  await expect(query(one.connection, 'SELECT 1')).rejects.toThrow('does not exist')
})

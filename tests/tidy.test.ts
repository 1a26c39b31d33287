import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readHouse } from './tidy/house.ts'
import * as imports from './tidy/import-rules.ts'
import * as manners from './tidy/manner-rules.ts'
import * as papers from './tidy/paper-rules.ts'
import * as purity from './tidy/purity-rules.ts'

/** Keeps docs/architecture.md and the style true. Each rule answers with the places that break it and what to do there. */
const house = readHouse(join(import.meta.dirname, '..'))

test('the whole house is looked at', () => {
  expect(house.sources.size).toBeGreaterThan(100)
  expect(house.manifests.size).toBeGreaterThan(10)
})

describe('the map', () => {
  test('packages import in the allowed direction only, and apps never each other', () => {
    expect(imports.wrongDirections(house)).toEqual([])
  })
  test('what needs Node lies under src/node', () => {
    expect(imports.nodeOutsideItsFolder(house)).toEqual([])
  })
  test('only the kernel touches cryptographic libraries', () => {
    expect(imports.cryptoOutsideKernel(house)).toEqual([])
  })
  test('every import is declared by the workspace that uses it', () => {
    expect(imports.undeclaredImports(house)).toEqual([])
  })
  test('no files import each other in a circle', () => {
    expect(imports.fileCircles(house)).toEqual([])
  })
})

describe('purity', () => {
  test('SQL lives in the control plane’s db folder', () => {
    expect(purity.sqlOutsideDb(house)).toEqual([])
  })
  test('the environment is read in config.ts only', () => {
    expect(purity.environmentOutsideConfig(house)).toEqual([])
  })
  test('packages are handed time and chance', () => {
    expect(purity.clockOrDiceInPackages(house)).toEqual([])
  })
})

describe('manners', () => {
  test('nothing escapes the type checker', () => {
    expect(manners.escapesFromTypes(house)).toEqual([])
  })
  test('nothing is left for later in a remark', () => {
    expect(manners.unfinishedRemarks(house)).toEqual([])
  })
  test('no test is switched off', () => {
    expect(manners.testsSwitchedOff(house)).toEqual([])
  })
  test('files can be read in one go', () => {
    expect(manners.longFiles(house)).toEqual([])
  })
  test('names say what a thing is', () => {
    expect(manners.emptyNames(house)).toEqual([])
  })
})

describe('papers', () => {
  test('versions are exact', () => {
    expect(papers.looseVersions(house)).toEqual([])
  })
  test('each workspace has a README that names its dependencies', () => {
    expect(papers.missingReadmes(house)).toEqual([])
  })
  test('docs/settings.md lists every setting of the code, and no other', () => {
    expect(papers.settingsNotListed(house)).toEqual([])
  })
  test('docs/errors.md lists every error of the code, and no other', () => {
    expect(papers.errorsNotListed(house)).toEqual([])
  })
})

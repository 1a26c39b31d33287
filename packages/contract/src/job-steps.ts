/** How the steps of a job hang together: checked alike by whoever writes a document and whoever takes it in. */

export const MAX_STEPS = 64
/** Dependencies between steps in all: each `after`, and each input that comes from another step. */
export const MAX_STEP_EDGES = 1_000
/** Files that one task gets from other tasks. */
export const MAX_GIVEN_INPUTS = 10_000

/** A step as far as its dependencies go. */
export interface StepShape {
  readonly name: string
  readonly after: readonly string[]
  /** Paths of inputs it brings itself. */
  readonly inputs: readonly string[]
  readonly given: readonly GivenShape[]
  /** One for each task. */
  readonly items: readonly string[]
}

export interface GivenShape {
  /** A folder when it ends in `/`. */
  readonly path: string
  readonly from: string
  readonly output?: string | undefined
}

/** What a step waits for, and where its inputs come from, by the places of the other steps. */
export interface ArrangedStep {
  readonly needs: readonly { readonly step: number; readonly how: 'each' | 'all' }[]
  readonly given: readonly {
    readonly path: string
    readonly step: number
    readonly how: 'same' | 'only' | 'all'
    readonly output?: string | undefined
  }[]
}

export type Arrangement =
  | { readonly ok: true; readonly steps: readonly ArrangedStep[] }
  /** `field` is the place in the document, `why` goes on after it: `steps.1.after names …`. */
  | { readonly ok: false; readonly field: string; readonly why: string }

/** Works out what each step waits for. Says where it goes wrong: unknown names, circles, inputs that cannot be meant. */
export function arrangeSteps(steps: readonly StepShape[]): Arrangement {
  const fault = repeatedName(steps) ?? tooManyEdges(steps)
  if (fault) return fault
  const places = new Map(steps.map(({ name }, place) => [name, place]))
  const arranged: ArrangedStep[] = []
  for (const [place, step] of steps.entries()) {
    const found = arrange(step, place, steps, places)
    if ('ok' in found) return found
    arranged.push(found)
  }
  return circleIn(arranged, steps) ?? { ok: true, steps: arranged }
}

type Fault = Extract<Arrangement, { ok: false }>

function faultAt(place: number, field: string, why: string): Fault {
  return { ok: false, field: `steps.${place}.${field}`, why }
}

function repeatedName(steps: readonly StepShape[]): Fault | undefined {
  const seen = new Map<string, number>()
  for (const [place, { name }] of steps.entries()) {
    const first = seen.get(name)
    if (first !== undefined) return faultAt(place, 'name', `is ${name}, which steps.${first} is called already`)
    seen.set(name, place)
  }
  return undefined
}

function tooManyEdges(steps: readonly StepShape[]): Fault | undefined {
  const edges = steps.reduce((sum, { after, given }) => sum + after.length + given.length, 0)
  if (edges <= MAX_STEP_EDGES) return undefined
  return {
    ok: false,
    field: 'steps',
    why: `depend on each other in ${edges} places; at most ${MAX_STEP_EDGES} are taken`,
  }
}

function arrange(
  step: StepShape,
  place: number,
  steps: readonly StepShape[],
  places: ReadonlyMap<string, number>,
): ArrangedStep | Fault {
  const needs = new Map<number, 'each' | 'all'>()
  for (const name of step.after) {
    const source = findStep(name, place, 'after', steps, places)
    if (typeof source !== 'number') return source
    needs.set(source, 'all')
  }
  const given: ArrangedStep['given'][number][] = []
  for (const each of step.given) {
    const field = `inputs.${each.path}`
    const source = findStep(each.from, place, field, steps, places)
    if (typeof source !== 'number') return source
    const found = howGiven(step, each, steps[source]!)
    if ('why' in found) return faultAt(place, field, found.why)
    const { how } = found
    given.push({ path: each.path, step: source, how, output: each.output })
    if (how !== 'same') needs.set(source, 'all')
    else if (!needs.has(source)) needs.set(source, 'each')
  }
  return inTheWay(step, place) ?? { needs: [...needs].map(([at, how]) => ({ step: at, how })), given }
}

function findStep(
  name: string,
  place: number,
  field: string,
  steps: readonly StepShape[],
  places: ReadonlyMap<string, number>,
): number | Fault {
  const found = places.get(name)
  if (found === place) return faultAt(place, field, 'names the step itself, which would wait for ever')
  if (found !== undefined) return found
  const known = steps.map((step) => step.name).join(', ')
  return faultAt(place, field, `names the step ${name}, which there is not; there are ${known}`)
}

/** Which tasks an input comes from, or what is wrong with it. */
function howGiven(
  step: StepShape,
  { path, output }: GivenShape,
  source: StepShape,
): { readonly how: 'same' | 'only' | 'all' } | { readonly why: string } {
  const count = source.items.length
  if (path.endsWith('/')) {
    if (count <= MAX_GIVEN_INPUTS) return { how: 'all' }
    const why = `would hold files of ${count} tasks, and a task gets ${MAX_GIVEN_INPUTS} at most; join them in two steps`
    return { why }
  }
  if (output === undefined) return { why: `wants the path of an output, as in { from: ${source.name}, path: out.txt }` }
  if (count === step.items.length && source.items.every((item, i) => item === step.items[i])) return { how: 'same' }
  if (count === 1) return { how: 'only' }
  return {
    why: `comes from the ${count} tasks of ${source.name}, whose items this step does not have; take all into a folder such as /in/parts/`,
  }
}

/** Two inputs in one place. */
function inTheWay({ inputs, given }: StepShape, place: number): Fault | undefined {
  const all = [...inputs, ...given.map(({ path }) => path)]
  const seen = new Set<string>()
  for (const path of all) {
    if (seen.has(path)) return faultAt(place, `inputs.${path}`, 'is named twice')
    seen.add(path)
  }
  for (const folder of all.filter((path) => path.endsWith('/'))) {
    const inside = all.find((path) => path !== folder && `${path}/`.startsWith(folder))
    if (inside !== undefined) {
      return faultAt(
        place,
        `inputs.${inside}`,
        `lies in ${folder}, which another step fills; give it a place beside it`,
      )
    }
  }
  return undefined
}

function circleIn(arranged: readonly ArrangedStep[], steps: readonly StepShape[]): Fault | undefined {
  const open = new Set(arranged.keys())
  for (let left = -1; left !== open.size;) {
    left = open.size
    for (const place of open) if (arranged[place]!.needs.every((need) => !open.has(need.step))) open.delete(place)
  }
  const [first] = open
  if (first === undefined) return undefined
  const way: number[] = []
  for (let at = first; !way.includes(at); at = arranged[at]!.needs.find((need) => open.has(need.step))!.step)
    way.push(at)
  const last = arranged[way.at(-1)!]!.needs.find((need) => open.has(need.step))!.step
  const circle = [...way.slice(way.indexOf(last)), last].map((place) => steps[place]!.name)
  return { ok: false, field: 'steps', why: `wait for each other in a circle: ${circle.join(' needs ')}` }
}

import { ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'
import { Card } from '../../parts/card.tsx'
import { Choose, TextArea, TextField } from '../../parts/field.tsx'
import { EachFields } from './each-fields.tsx'
import type { FieldsProps } from './fields-props.ts'
import { FileField } from './file-field.tsx'
import type { JobForm, ResourceName } from './form.ts'
import { InputsFields } from './inputs-fields.tsx'
import { PairsFields } from './pairs-fields.tsx'

const TIERS = [
  { value: 'platinum', text: 'Platinum: soonest, two nodes must agree' },
  { value: 'gold', text: 'Gold: soon, two nodes must agree' },
  { value: 'silver', text: 'Silver: some results checked' },
  { value: 'bronze', text: 'Bronze: cheapest, when there is room' },
  { value: '', text: 'As the control plane sets it' },
]
const PRIVACIES = [
  { value: 'public', text: 'Public' },
  { value: 'private', text: 'Private' },
  { value: 'confidential', text: 'Confidential' },
  { value: 'secret', text: 'Secret (by command line)' },
  { value: '', text: 'As the control plane sets it' },
]
const ROUTINGS = [
  { value: '', text: 'As the control plane sets it' },
  { value: 'least_loaded', text: 'Least loaded node first' },
  { value: 'round_robin', text: 'Each node in turn' },
  { value: 'affinity_based', text: 'Where its files already are' },
  { value: 'proximity_based', text: 'Nearest node first' },
  { value: 'privacy_aware', text: 'Hidden nodes: those behind the mixnet' },
]
const VERIFIES = [
  { value: 'auto', text: 'As the tier says' },
  { value: 'none', text: 'Take results as they come' },
  { value: 'quorum', text: 'Several nodes must agree' },
]
const RESOURCE_FIELDS: readonly { name: ResourceName; label: string; placeholder: string }[] = [
  { name: 'cores', label: 'Cores', placeholder: '1' },
  { name: 'memoryMiB', label: 'Memory, MiB', placeholder: '128' },
  { name: 'wallSeconds', label: 'Time, seconds', placeholder: '60' },
  { name: 'diskMiB', label: 'Disk, MiB', placeholder: '256' },
  { name: 'outputMiB', label: 'Output, MiB', placeholder: '64' },
  { name: 'fuel', label: 'Fuel, instructions', placeholder: 'by time' },
]

/** Every field of a job document, the common ones first. */
export function JobFields({ draft, faults }: FieldsProps) {
  const { form, setForm } = draft
  const set = <Name extends keyof JobForm>(name: Name, value: JobForm[Name]) =>
    setForm((before) => ({ ...before, [name]: value }))
  return (
    <>
      <Card title="Job">
        <div className="space-y-4">
          <TextField
            label="Name"
            required
            autoComplete="off"
            placeholder="mandelbrot"
            value={form.name}
            onChange={(event) => set('name', event.target.value)}
            error={faults.get('name')}
          />
          <FileField
            label="Program"
            hint="WebAssembly with WASI, a .wasm file."
            accept=".wasm,application/wasm"
            draft={draft}
            path={form.program}
            onPath={(path) => set('program', path)}
            error={faults.get('program.file') ?? faults.get('program')}
          />
          <TextArea
            label="Arguments"
            mono
            rows={3}
            spellCheck={false}
            placeholder={'{item}\n/out/result.txt'}
            hint="One a line. {item} stands for the input of a task, {index} for its number."
            value={form.args}
            onChange={(event) => set('args', event.target.value)}
            error={faults.get('args')}
          />
        </div>
      </Card>
      <Card title="Run it for each" note="Every entry becomes a task of its own.">
        <EachFields draft={draft} faults={faults} />
      </Card>
      <Card title="Terms">
        <div className="grid gap-4 sm:grid-cols-2">
          <Choose
            label="Tier"
            choices={TIERS}
            value={form.tier}
            onChange={(event) => set('tier', event.target.value)}
            error={faults.get('tier')}
          />
          <TextField
            label="Budget, tokens"
            inputMode="decimal"
            autoComplete="off"
            placeholder="no limit but your balance"
            value={form.budget}
            onChange={(event) => set('budget', event.target.value)}
            error={faults.get('budget')}
          />
          <Choose
            label="Checking of results"
            choices={VERIFIES}
            value={form.verify}
            onChange={(event) => set('verify', event.target.value as JobForm['verify'])}
            error={form.verify === 'quorum' ? undefined : faults.get('verify')}
          />
          {form.verify === 'quorum' && (
            <TextField
              label="Nodes that must agree"
              inputMode="numeric"
              autoComplete="off"
              value={form.quorum}
              onChange={(event) => set('quorum', event.target.value)}
              error={faults.get('verify')}
            />
          )}
          <Choose
            label="Privacy"
            choices={PRIVACIES}
            value={form.privacy}
            onChange={(event) => set('privacy', event.target.value)}
            error={faults.get('privacy')}
          />
        </div>
      </Card>
      <More
        title="Inputs, environment and standard input"
        open={form.inputs.length + form.env.length > 0 || form.stdin !== ''}
      >
        <InputsFields draft={draft} faults={faults} />
        <PairsFields
          title="Environment"
          keyLabel="Variable"
          valueLabel="Value"
          addLabel="Add a variable"
          pairs={form.env}
          onPairs={(env) => set('env', env)}
          faultOf={(key) => faults.get(`env.${key}`)}
        />
        <FileField
          label="Standard input"
          hint="A file that every task reads from its standard input."
          draft={draft}
          path={form.stdin}
          onPath={(path) => set('stdin', path)}
          error={faults.get('stdin')}
        />
      </More>
      <More title="Limits of each task" open={Object.values(form.resources).some((value) => value !== '')}>
        <div className="grid grid-cols-2 gap-4 sm:grid-cols-3">
          {RESOURCE_FIELDS.map(({ name, label, placeholder }) => (
            <TextField
              key={name}
              label={label}
              inputMode="decimal"
              autoComplete="off"
              placeholder={placeholder}
              value={form.resources[name]}
              onChange={(event) => set('resources', { ...form.resources, [name]: event.target.value })}
              error={faults.get(`resources.${name}`)}
            />
          ))}
        </div>
        <p className="text-[0.8125rem] text-faint">
          A task that goes beyond a limit is stopped, with that as its reason.
        </p>
      </More>
      <More title="Where it runs" open={form.routing !== '' || form.retries !== '' || form.require.length > 0}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Choose
            label="Routing"
            choices={ROUTINGS}
            value={form.routing}
            onChange={(event) => set('routing', event.target.value)}
            error={faults.get('routing')}
          />
          <TextField
            label="Tries after a lost node"
            inputMode="numeric"
            autoComplete="off"
            placeholder="4"
            value={form.retries}
            onChange={(event) => set('retries', event.target.value)}
            error={faults.get('retries')}
          />
        </div>
        <PairsFields
          title="Labels a node must have"
          keyLabel="Label"
          valueLabel="Value"
          addLabel="Add a label"
          pairs={form.require}
          onPairs={(pairs) => set('require', pairs)}
          faultOf={(key) => faults.get(`require.${key}`)}
        />
      </More>
    </>
  )
}

/** What few jobs need, folded away until it is used. */
function More({ title, open, children }: { title: string; open: boolean; children: ReactNode }) {
  return (
    <details open={open || undefined} className="group rounded-2xl border border-line bg-surface shadow-card">
      <summary className="flex list-none items-center gap-2 rounded-2xl px-4 py-3.5 text-[0.9375rem] font-semibold sm:px-5 [&::-webkit-details-marker]:hidden">
        <ChevronRight size={16} aria-hidden="true" className="text-faint transition-transform group-open:rotate-90" />
        {title}
      </summary>
      <div className="space-y-5 px-4 pt-1 pb-5 sm:px-5">{children}</div>
    </details>
  )
}

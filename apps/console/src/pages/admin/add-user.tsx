import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { grantProblem, nameProblem, passwordProblem } from '../../format/user-input.ts'
import { Button } from '../../parts/button.tsx'
import { Modal } from '../../parts/dialog.tsx'
import { Choose, TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { useSay } from '../../parts/toasts.tsx'
import { useClient } from '../../session/session-context.tsx'

const ROLES = [
  { value: 'member', text: 'Member' },
  { value: 'admin', text: 'Admin' },
]

/** Lets one more person in, with tokens to begin with. */
export function AddUser({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal open={open} onClose={onClose} title="Add a user">
      <AddUserForm onClose={onClose} />
    </Modal>
  )
}

function AddUserForm({ onClose }: { onClose: () => void }) {
  const client = useClient()
  const queries = useQueryClient()
  const say = useSay()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState('member')
  const [grant, setGrant] = useState('100')
  const [tried, setTried] = useState(false)
  const add = useMutation({
    mutationFn: async () =>
      client.call('addUser', {
        body: {
          name: name.trim(),
          password,
          role: role === 'admin' ? 'admin' : 'member',
          ...(grant.trim() !== '' && { grant: grant.trim() }),
        },
      }),
    onSuccess: (user) => {
      say('good', `${user.name} may log in now`)
      void queries.invalidateQueries({ queryKey: ['users'] })
      onClose()
    },
  })
  const problems = {
    name: nameProblem(name.trim()),
    password: passwordProblem(password),
    grant: grant.trim() === '' ? undefined : grantProblem(grant.trim()),
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!problems.name && !problems.password && !problems.grant) add.mutate()
  }
  return (
    <form onSubmit={submit} noValidate className="space-y-4">
      <TextField
        label="Name"
        hint="Lower-case letters and digits."
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        onChange={(event) => setName(event.target.value)}
        error={tried ? problems.name : undefined}
      />
      <TextField
        label="First password"
        hint="At least 10 characters; it can be changed after the first log-in."
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        error={tried ? problems.password : undefined}
      />
      <div className="grid grid-cols-2 gap-4">
        <Choose label="Role" choices={ROLES} value={role} onChange={(event) => setRole(event.target.value)} />
        <TextField
          label="Tokens to begin with"
          inputMode="decimal"
          autoComplete="off"
          value={grant}
          onChange={(event) => setGrant(event.target.value)}
          error={tried ? problems.grant : undefined}
        />
      </div>
      {add.isError && <Failure error={add.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" kind="primary" busy={add.isPending}>
          Add the user
        </Button>
      </div>
    </form>
  )
}

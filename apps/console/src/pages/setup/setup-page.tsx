import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { nameProblem, passwordProblem } from '../../format/user-input.ts'
import { Button } from '../../parts/button.tsx'
import { Doorway } from '../../parts/doorway.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { useSession, useSessionState } from '../../session/session-context.tsx'
import { codeFromHash } from './setup-code.ts'

/** The first person makes the first admin, with the code that the control plane printed at its first start. */
export function SetupPage() {
  const session = useSession()
  const state = useSessionState()
  const navigate = useNavigate()
  const [code, setCode] = useState(() => codeFromHash(window.location.hash))
  const [codeFromLink] = useState(code !== '')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [tried, setTried] = useState(false)
  const make = useMutation({ mutationFn: async () => session.setUp(code.trim(), name.trim(), password) })
  useEffect(() => {
    document.title = 'Set up · Fog'
  }, [])
  useEffect(() => {
    if (state.status === 'in') void navigate({ to: '/', hash: '', replace: true })
  }, [state.status, navigate])

  const problems = { name: nameProblem(name.trim()), password: passwordProblem(password) }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (!problems.name && !problems.password) make.mutate()
  }
  if (state.status === 'out' && !state.setupNeeded) return <AlreadySetUp />
  return (
    <Doorway title="Welcome to your fog" note="Choose how you will log in. You will be its first admin.">
      <form onSubmit={submit} noValidate className="space-y-4">
        {!codeFromLink && (
          <TextField
            label="Setup code"
            hint="Printed where the control plane was started."
            required
            mono
            autoComplete="off"
            spellCheck={false}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
        )}
        <TextField
          label="Name"
          hint="Lower-case letters and digits, such as ada."
          error={tried ? problems.name : undefined}
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          // eslint-disable-next-line jsx-a11y/no-autofocus -- the page is nothing but this form
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label="Password"
          hint="At least 10 characters. A few words are easy to keep in mind."
          error={tried ? problems.password : undefined}
          name="password"
          type="password"
          autoComplete="new-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        {make.isError && <Failure error={make.error} />}
        <Button type="submit" kind="primary" busy={make.isPending} className="w-full">
          Make the first admin
        </Button>
      </form>
    </Doorway>
  )
}

function AlreadySetUp() {
  return (
    <Doorway title="Already set up" note="This fog has its first admin. Log in instead.">
      <Link to="/login" className="font-medium text-accent underline underline-offset-2">
        Go to the log-in
      </Link>
    </Doorway>
  )
}

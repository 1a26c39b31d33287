const LONGEST_NAME = 200

/** Saves content under a name and never opens it in the page (RFC 6266, with RFC 8187 for other letters). */
export function contentDisposition(name: string | undefined): string {
  const clean = cleanName(name ?? '')
  if (clean === '') return 'attachment'
  const plain = clean.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_')
  const encoded = encodeURIComponent(clean).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

/** The last part of a path, without what a file system or a header could mistake. */
function cleanName(name: string): string {
  const last = name.toWellFormed().split(/[/\\]/).at(-1) ?? ''
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed
  const printable = last.replace(/[\u0000-\u001f\u007f<>:"|?*]/g, '')
  return printable.replace(/^\.+/, '').trim().slice(0, LONGEST_NAME).toWellFormed()
}

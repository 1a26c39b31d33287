// Before the first paint, so that a dark room sees no white flash. A file of its own: inline scripts are refused.
;(function () {
  var wanted
  try {
    wanted = localStorage.getItem('fog.theme')
  } catch {
    wanted = null
  }
  var dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()

/** Something `doctor` has to say; `remedy` is null where nothing needs doing. */
export type Finding = { severity: "wrong" | "note"; what: string; remedy: string | null }

import { describe, expect, test } from "vitest"
import { escaped } from "./characters.ts"
import { readXml, type XmlElement } from "./read.ts"
import { writeXml } from "./write.ts"

const read = (text: string | Uint8Array) =>
  readXml(typeof text === "string" ? Buffer.from(text) : text)

function element(text: string): XmlElement {
  const result = read(text)
  if (!result.ok) throw new Error(JSON.stringify(result.fault))
  return result.value
}

const whyNot = (text: string | Uint8Array) => {
  const result = read(text)
  return result.ok || result.fault.kind !== "invalid" ? "read" : result.fault.why
}

describe("a document is read", () => {
  test("with attributes, elements, text, CDATA and comments", () => {
    const text = `<?xml version="1.0" encoding="UTF-8"?>
      <!-- a wish --><a:s xmlns:a="u" n="x &amp; &#x41;&#10;y" q='1'>
      <m k="1">v&lt;<![CDATA[ & <b> ]]>w</m><e/></a:s>`
    const { name, attributes, children } = element(text)
    expect(name).toBe("a:s")
    expect(Object.fromEntries(attributes)).toEqual({ "xmlns:a": "u", n: "x & A\ny", q: "1" })
    expect(children).toEqual([
      { name: "m", attributes: [["k", "1"]], children: [], text: "v< & <b> w" },
      { name: "e", attributes: [], children: [], text: "" },
    ])
  })

  test("with a byte order mark, and with what looks like a document type inside text", () => {
    expect(element("\ufeff<a/>").name).toBe("a")
    expect(element("<a><![CDATA[<!DOCTYPE x>]]><!-- <!ENTITY y> --></a>").text).toBe("<!DOCTYPE x>")
  })

  test("text stays text: no numbers, no truth values, no trimming", () => {
    expect(element("<a> 007 </a>").text).toBe(" 007 ")
    expect(element("<a b='1e3'/>").attributes).toEqual([["b", "1e3"]])
  })
})

describe("a hostile document is refused", () => {
  const billion = `<!DOCTYPE l [<!ENTITY a "lol">${Array.from({ length: 9 }, (_, n) => {
    const before = String.fromCharCode(97 + n)
    return `<!ENTITY ${String.fromCharCode(98 + n)} "${`&${before};`.repeat(10)}">`
  }).join("")}]><l>&j;</l>`

  test.each([
    ["billion laughs", billion],
    ["an external entity", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ["a document type alone", "<!doctype html><a/>"],
    ["a document type after a comment", "<!-- --><!DOCTYPE a><a/>"],
    ["a document type in capitals and small letters", "<!DocType a><a/>"],
  ])("%s", (_name, text) => {
    expect(whyNot(text)).toBe("a document type and entities are not accepted")
  })

  test.each([
    ["UTF-16 with a mark", Buffer.from("\ufeff<a/>", "utf16le"), "the XML is not UTF-8"],
    ["UTF-16 the other way", Buffer.from([0xfe, 0xff, 0, 0x3c]), "the XML is not UTF-8"],
    ["UTF-16 without a mark", Buffer.from("<a/>", "utf16le"), "characters that XML does not allow"],
    ["bytes that are no UTF-8", Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e]), "is not UTF-8"],
    [
      "another encoding by declaration",
      Buffer.from('<?xml version="1.0" encoding="UTF-16"?><a/>'),
      "says that it is not",
    ],
    [
      "UTF-7 by declaration",
      Buffer.from("<?xml version='1.0' encoding='UTF-7'?><a/>"),
      "says that it is not",
    ],
    ["a control character", Buffer.from("<a b='\u0001'/>"), "characters that XML does not allow"],
    ["U+FFFE", Buffer.from("<a>\ufffe</a>"), "characters that XML does not allow"],
  ])("%s", (_name, bytes, why) => {
    expect(whyNot(bytes)).toContain(why)
  })

  test.each(
    [
      [
        "",
        "text",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>tail",
        "<a x=1/>",
        "<a x/>",
        "<a x='1' x='2'/>",
      ],
      [
        "<a>&foo;</a>",
        "<a>& b</a>",
        "<a b='&lt'/>",
        "<a>&#0;</a>",
        "<a>&#x1;</a>",
        "<a>&#xFFFE;</a>",
      ],
      [
        "<a>&#x110000;</a>",
        "<a>&#99999999;</a>",
        "<a b='<'/>",
        "<a><!-- ",
        "<a><![CDATA[ </a>",
        "<1/>",
      ],
      ["<__proto__/>", "<a __proto__='1'/>", "<a><constructor/></a>", "<a>".repeat(40), "\u0000"],
      [`${"<a>".repeat(20)}${"</a>".repeat(20)}`, "<?xml version='1.0'?>", "<!-- only -->"],
    ]
      .flat()
      .map((text) => [text.slice(0, 30), text]),
  )("what is not well-formed: %j", (_name, text) => {
    expect(whyNot(text)).toMatch(/not well-formed XML|characters that XML does not allow/)
  })
})

test("whatever text there is, what was written is read again", () => {
  const texts = [
    `<>&"' ]]> <![CDATA[ -->`,
    "a\tb\nc\r\nd  e",
    "snow ☃ and 🏔",
    "&amp; &#65;",
    "__proto__",
  ]
  for (const text of texts) {
    const tree = {
      name: "p:a",
      attributes: [["b", text]] as const,
      children: [{ name: "c", text }],
    }
    const written = writeXml(tree, "urn:x", { p: "urn:p", unused: "urn:u" })
    const { attributes, children } = element(written)
    expect(Object.fromEntries(attributes)).toEqual({ xmlns: "urn:x", "xmlns:p": "urn:p", b: text })
    expect(children[0]?.text).toBe(text)
  }
})

test("what XML cannot carry is written as U+FFFD, and is well-formed", () => {
  const text = "a\u0000b\u001fc\ud800d\ufffee"
  expect(escaped(text)).toBe("a\ufffdb\ufffdc\ufffdd\ufffde")
  expect(element(writeXml({ name: "a", text }, "urn:x", {})).text).toBe(
    "a\ufffdb\ufffdc\ufffdd\ufffde",
  )
})

test("a prefix that nobody declared is a bug, not an answer", () => {
  expect(() => writeXml({ name: "q:a" }, "urn:x", {})).toThrow("q is not declared")
})

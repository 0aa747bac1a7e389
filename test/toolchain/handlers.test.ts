import { build, pluginpath, removeFolders } from './support';

afterAll(removeFolders);

const NONE = 'it exports no handler: a handler is a function named like GETHelloHandler';

/** What the author of each source is told, but for what the compiler says. */
async function warned(sources: Readonly<Record<string, string>>): Promise<string[]> {
  const { states, lines } = await build(pluginpath(sources));
  expect(new Set(Object.values(states))).toEqual(new Set(['built']));
  return lines.filter(({ level }) => level === 40).map(({ msg }) => msg).sort();
}

test('a library without a handler is told apart from others, and so is what only looks like one', async () => {
  const warnings = await warned({
    'src/fine.c': 'const char *GETSayHandler(void) { return "x"; }\n',
    'src/hidden.c': '__attribute__((used)) static const char *GETSayHandler(void) { return "x"; }\n',
    'src/mangled.cc': 'const char *GETHelloHandler() { return "x"; }\n',
    'src/half.cc': 'extern "C" const char *GETSayHandler() { return "x"; }\nconst char *GETHelloHandler() { return "x"; }\n',
    'src/data/data.c': 'const char GETSayHandler[] = "x";\n',
  });
  expect(warnings).toEqual([
    expect.stringMatching(new RegExp(`^data: ${NONE}; GETSayHandler is data`)),
    expect.stringMatching(/^half: GETHelloHandler is .*C\+\+.*extern "C"$/),
    expect.stringMatching(new RegExp(`^hidden: ${NONE}`)),
    expect.stringMatching(new RegExp(`^mangled: ${NONE}; GETHelloHandler is .*C\\+\\+.*extern "C"$`)),
  ]);
});

test('in Go that is told once, by who knows more of it', async () => {
  const warnings = await warned({
    'src/idle.go': 'package main\n\nfunc Hello() string { return "" }\n',
    'src/other.go': 'package main\n\nimport "C"\n\n//export Hello\nfunc Hello() {}\n',
    'src/inc/main.go': 'package main\n\nimport "C"\n\nfunc Hello() string { return "" }\n',
    'src/inc/hello.c': 'int hello(void) { return 1; }\n',
  });
  expect(warnings).toEqual([
    `idle: it has no handler: write func GETNameHandler() string, or (string, int) with a status`,
    expect.stringMatching(new RegExp(`^inc: ${NONE}`)),
    expect.stringMatching(new RegExp(`^other: ${NONE}`)),
  ]);
});

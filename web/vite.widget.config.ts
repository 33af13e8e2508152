import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import pages from "./vite.config.js";

// TypeScript's enums, as packages ship them, count as code that has effects, and so
// stay in the bundle when nobody uses them. As values they go.
const looseEnums: Plugin = {
  name: "loose-enums",
  transform(code, id) {
    if (!id.includes("/@bufbuild/protobuf/") && !id.includes("/@connectrpc/")) return null;
    const enums = /export var (\w+);\s*\(function \(\1\) \{([\s\S]*?)\}\)\(\1 \|\| \(\1 = \{\}\)\);/g;
    return { code: code.replace(enums, "export const $1 = /*@__PURE__*/ (function ($1) {$2 return $1; })({});"), map: null };
  },
};

// The chat speaks binary (src/chat/transport.ts), but Connect holds the codec of JSON
// too, an eighth of the widget.
const noJson: Plugin = {
  name: "no-json",
  load(id) {
    const codec = /\/@bufbuild\/protobuf\/dist\/esm\/(from|to)-json\.js$/.exec(id);
    if (!codec) return null;
    const names = [...readFileSync(id, "utf8").matchAll(/export function (\w+)/g)].map(([, name]) => name);
    return names.map((name) => `export function ${name}() { throw new Error("the widget speaks no JSON"); }`).join("\n");
  },
};

// The widget is one classic script, so that a page on any site embeds it with one tag.
export default defineConfig({
  ...pages,
  plugins: [looseEnums, noJson],
  build: {
    ...pages.build,
    rolldownOptions: {},
    emptyOutDir: false, // the pages are there already
    lib: {
      entry: fileURLToPath(new URL("src/chat/widget.ts", import.meta.url)),
      formats: ["iife"],
      name: "HandoffWidget",
      fileName: () => "widget.js",
    },
  },
});

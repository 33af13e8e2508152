import { fileURLToPath } from "node:url";
import optimizeLocales from "@react-aria/optimize-locales-plugin";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// The output is committed and compared with a fresh build, so nothing in it may
// depend on the time, the machine or the folder.
export default defineConfig({
  // Of the component library's own texts, those in the languages of our pages.
  plugins: [{ ...optimizeLocales.vite({ locales: ["en-US", "zh-CN"] }), enforce: "pre" }],
  resolve: {
    alias: { "@human-handoff/client": here("../gen/ts/index.ts") },
    // The client's sources and examples lie outside of this folder and have no packages of their own here.
    dedupe: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web"],
  },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy allows no inline code
    modulePreload: { polyfill: false },
    sourcemap: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: here("index.html"), chat: here("chat.html"), desk: here("desk.html") },
    },
  },
});

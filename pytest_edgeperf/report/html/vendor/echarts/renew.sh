#!/usr/bin/env bash
# Build echarts.min.js anew: ./renew.sh [VERSION]. Takes npm; nothing is left behind but the files in this folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=${1:-$(sed -n 's/^- version: *//p' "$here/README.md")}
bundler=$(sed -n 's/^- bundled by: *esbuild *//p' "$here/README.md")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$here/entry.js" "$folder/"
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts=false "echarts@$version" "esbuild@$bundler"
npx esbuild entry.js --bundle --minify --format=iife --global-name=echarts --target=es2018 --charset=ascii \
    --define:process.env.NODE_ENV='"production"' --legal-comments=none --outfile=bundle.js
{
    echo "/*! Apache ECharts $version, Apache-2.0; contains zrender (BSD-3-Clause) and tslib (0BSD): see LICENSE, NOTICE */"
    cat bundle.js
} > "$here/echarts.min.js"
cp node_modules/echarts/LICENSE node_modules/echarts/NOTICE "$here/"
cp node_modules/zrender/LICENSE "$here/LICENSE-zrender"
sed -i "s/^- version: .*/- version: $version/" "$here/README.md"

# The service in a container: as a user of its own, on a file system that may be read-only, with
# what it writes under /data (the embedded database, where DATABASE_URL names no other).

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
COPY machines ./machines
COPY migrations ./migrations
COPY scripts ./scripts
COPY web ./web
RUN npm run -s build && mkdir data

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
WORKDIR /app
# HOME, because a user that stands in no list of users has none, and some package asks for it.
ENV NODE_ENV=production HOME=/app HOST=0.0.0.0 PORT=3000 DATABASE_URL=sqlite:/data/availability.sqlite
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A number, so that an orchestrator can see that it is not root.
COPY --from=build --chown=10001:10001 /app/data /data
USER 10001:10001
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between: SIGTERM reaches Node.
CMD ["node", "dist/src/main.js"]

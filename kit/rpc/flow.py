"""How much of a stream waits in memory for whoever reads it."""

# By default gRPC measures the line and lets ever more come ahead of a reader: of twenty files at once on one machine
# that was most of each file, in the memory of a service that meant to spool them to disk (docs/performance.md). Half a
# megabyte a stream keeps a thread busy.
FLOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 512 * 1024))

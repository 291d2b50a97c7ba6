"""Spans over OTLP/HTTP, where CARBONFIN_OTEL_ENDPOINT names a collector; otherwise this module is not even imported.

A span is named by method and route template. It holds no address, no query, no header and nothing of a customer, which
is why the ready-made instrumentation, which notes the whole address, is not used.
"""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from carbonfin.kernel.release import VERSION
from carbonfin.web.security import request_id_of

_FAULT_MIN = 500


def traced(application: ASGIApp, endpoint: str) -> ASGIApp:
    """Give the application with one span around each request, sent in batches to the collector.

    Args:
        application: What answers.
        endpoint: The collector, such as `http://127.0.0.1:4318`.
    """
    provider = TracerProvider(resource=Resource({"service.name": "carbonfin", "service.version": VERSION}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("carbonfin")
    parents = TraceContextTextMapPropagator()

    async def with_span(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            try:
                await application(scope, receive, send)
            finally:
                provider.force_flush()
            return
        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        span = tracer.start_span("request", context=parents.extract(carried), kind=SpanKind.SERVER)

        async def noting_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                span.set_attribute("http.response.status_code", status)
                if status >= _FAULT_MIN:
                    span.set_status(StatusCode.ERROR)
            await send(message)

        try:
            await application(scope, receive, noting_status)
        finally:
            template = str(scope.get("path_template") or "none")
            method = str(scope.get("method"))
            span.update_name(f"{method} {template}")
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", template)
            span.set_attribute("carbonfin.request_id", request_id_of(scope))
            span.end()

    return with_span

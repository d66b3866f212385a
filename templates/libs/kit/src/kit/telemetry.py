"""Traces over OTLP."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased

from kit.settings import ProcessSettings


def configure(settings: ProcessSettings, version: str) -> TracerProvider:
    """Return this process's tracer provider, made by the first call.

    Without an endpoint nothing is recorded, but trace ids still pass through to the logs.
    """
    current = trace.get_tracer_provider()
    if isinstance(current, TracerProvider):
        return current
    resource = Resource.create(
        {
            "service.name": settings.service_name,
            "service.version": version,
            "deployment.environment.name": settings.environment,
        }
    )
    if settings.otlp_endpoint is None:
        provider = TracerProvider(resource=resource, sampler=ALWAYS_OFF)
    else:
        sampler = ParentBased(TraceIdRatioBased(settings.trace_sample_ratio))
        provider = TracerProvider(resource=resource, sampler=sampler)
        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider

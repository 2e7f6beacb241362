"""The file with which ShareX, a program for screenshots, sends to this site: https://getsharex.com/docs/custom-uploader."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from .. import links
from .caching import never_stored


@never_stored
@require_safe
def uploader(request: HttpRequest) -> JsonResponse:
    """A custom uploader: it sends the form that `send.post` takes, and reads the addresses in the answer's headers."""
    site = links.site(request)
    fields = {
        "Version": "14.0.0",
        "Name": f"Mayfly ({site.partition('://')[2]})",
        "DestinationType": "ImageUploader, FileUploader",
        "RequestMethod": "POST",
        "RequestURL": f"{site}/",
        "Body": "MultipartFormData",
        "FileFormName": "file",
        "URL": "{header:Location}",
        "DeletionURL": "{header:X-Delete}",
        "ErrorMessage": "{response}",
    }
    return JsonResponse(fields, headers={"Content-Disposition": 'attachment; filename="mayfly.sxcu"'})
